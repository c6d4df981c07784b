"""One connection in triple-DES record mode: hello, proof of the hello, data, fresh keys, a said farewell. Sans-I/O.

The side that dials says its name first; the side that answers looks up what it shares with that name. Nothing of the
user's goes out or comes in before the other side has proven that it holds the secret and saw the same two hellos.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from prewatt.core.clock import Clock
from prewatt.field.links import record3des as layer
from prewatt.field.links.record3des import Direction, Hello, Keys, Kind, Opener, RecordRefused, Sealer, Shared

Lookup = Callable[[str], Shared | None]


class RecordSession:
    """Feed it what arrives, send through it, put on the wire what ``outgoing`` gives.

    Any RecordRefused is the end: what was queued is dropped, and every later call raises again.
    """

    def __init__(self, direction: Direction, *, name: str, lookup: Lookup, clock: Clock, random: layer.Random) -> None:
        """``name``: who we are. ``lookup``: what is shared with a name; asked for "" when we dialled."""
        self.direction = direction
        self.established = False
        self.closed = False  # the other side said farewell
        self.peer = ""
        self._lookup = lookup
        self._clock = clock
        self._random = random
        self._held = bytearray()
        self._out = bytearray()
        self._refused: RecordRefused | None = None
        self._shared: Shared | None = None
        self._hello = Hello(name, random(layer.NONCE_BYTES))
        self._nonces = {direction: self._hello.nonce}
        self._hellos = {direction: self._hello.encode()}
        self._sealer: Sealer | None = None
        self._opener: Opener | None = None
        self._said_farewell = False
        if direction is Direction.INITIATOR:
            self._out += self._hellos[direction]

    def outgoing(self) -> bytes:
        """Bytes for the wire."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def feed(self, data: bytes | memoryview) -> bytes:
        """Take what arrived; what it carried for the user. Raises RecordRefused."""
        self._go_on()
        self._held += data
        try:
            if self._opener is None and not self._greet():
                return b""
            arrived = bytearray()
            while not self.closed and (record := layer.cut(self._held)) is not None:
                arrived += self._take(record)
        except RecordRefused as refusal:
            raise self._fail(refusal) from None
        return bytes(arrived)

    def send(self, data: bytes | memoryview) -> None:
        """Seal user data. Raises RecordRefused, also when the other side is not proven yet."""
        self._go_on()
        if not self.established or self._said_farewell:
            raise self._fail(RecordRefused("not-established"))
        view = memoryview(data)
        for start in range(0, len(view), layer.MOST_PAYLOAD):
            self._renew_when_due()
            self._seal(Kind.DATA, bytes(view[start : start + layer.MOST_PAYLOAD]))

    def tick(self) -> None:
        """From time to time: renew an old key; end when the mode's date has come. Raises RecordRefused."""
        self._go_on()
        if self._shared is not None:
            try:
                self._shared.check(self._clock.now())
            except RecordRefused as refusal:
                raise self._fail(refusal) from None
        if self.established and not self._said_farewell:
            self._renew_when_due()

    def close(self) -> None:
        """Say farewell."""
        if self._refused is None and self.established and not self._said_farewell:
            self._seal(Kind.CLOSE, b"")
            self._said_farewell = True

    def eof(self) -> None:
        """The connection ended. Raises RecordRefused when the other side did not say that it would."""
        self._go_on()
        if not self.closed:
            raise self._fail(RecordRefused("truncated"))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _greet(self) -> bool:
        """Take the other side's hello and make keys; False while it is not complete."""
        found = layer.cut_hello(self._held)
        if found is None:
            return False
        hello, raw = found
        other = self.direction.other
        self.peer = hello.name
        shared = self._lookup(hello.name if self.direction is Direction.RESPONDER else "")
        if shared is None:
            raise RecordRefused("unknown-name")
        shared.check(self._clock.now())
        if hmac.compare_digest(hello.nonce, self._hello.nonce):
            raise RecordRefused("reflected")
        self._shared = shared
        self._nonces[other] = hello.nonce
        self._hellos[other] = raw
        now = self._clock.monotonic()
        self._sealer = Sealer(self._keys(self.direction), now)
        self._opener = Opener(self._keys(other), now)
        if self.direction is Direction.RESPONDER:
            self._out += self._hellos[self.direction]
        self._seal(Kind.FINISHED, self._transcript())
        return True

    def _take(self, record: bytes) -> bytes:
        assert self._opener is not None
        kind, payload = self._opener.open(record, self._clock.monotonic())
        if not self.established:
            # the other side's proof must come before anything else
            if kind is not Kind.FINISHED or not hmac.compare_digest(payload, self._transcript()):
                raise RecordRefused("handshake")
            self.established = True
            return b""
        match kind:
            case Kind.DATA:
                return payload
            case Kind.REKEY if len(payload) == layer.NONCE_BYTES:
                other = self.direction.other
                self._opener.rekey(self._keys(other, payload), self._clock.monotonic())
                return b""
            case Kind.CLOSE:
                self.closed = True
                self._held.clear()
                return b""
        raise RecordRefused("out-of-place")

    def _renew_when_due(self) -> None:
        assert self._sealer is not None
        now = self._clock.monotonic()
        if not self._sealer.due(now):
            return
        nonce = self._random(layer.NONCE_BYTES)
        self._seal(Kind.REKEY, nonce)
        self._sealer.rekey(self._keys(self.direction, nonce), now)

    def _keys(self, direction: Direction, fresh: bytes | None = None) -> Keys:
        """Keys of a direction from the secret and both nonces; ``fresh`` takes the place of its sender's one there."""
        assert self._shared is not None
        nonces = self._nonces | ({direction: fresh} if fresh is not None else {})
        first, second = nonces[Direction.INITIATOR], nonces[Direction.RESPONDER]
        return Keys.derive(self._shared.secret, first, second, direction)

    def _seal(self, kind: Kind, payload: bytes) -> None:
        assert self._sealer is not None
        try:
            self._out += self._sealer.seal(kind, payload, self._random(layer.BLOCK))
        except RecordRefused as refusal:
            raise self._fail(refusal) from None

    def _transcript(self) -> bytes:
        return layer.transcript(self._hellos[Direction.INITIATOR], self._hellos[Direction.RESPONDER])

    def _go_on(self) -> None:
        if self._refused is not None:
            raise RecordRefused(self._refused.reason)

    def _fail(self, refusal: RecordRefused) -> RecordRefused:
        self._refused = refusal
        self._out.clear()
        self._held.clear()
        return refusal
