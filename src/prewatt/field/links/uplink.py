"""What a gateway and its head-end say to each other over one protected connection, and how each notices a dead one.

Calls go up (the gateway hands over readings, asks for its roster), exchanges come down (a frame for one line, with the
time within which it must be begun), and both sides tell each other every few seconds that they are there. An exchange
lives as long as the connection it came by: it is never kept, never repeated, and too old a one is not carried out. How
old it can be at most is known without a common clock: the answer to our last greeting was written after we wrote ours.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Protocol

import msgspec

from prewatt.core.clock import Clock

VERSION = 1
MAX_TELEGRAM = 8 * 1024 * 1024
PING_EVERY_S = 5.0
SHORTEST_PING_S = 1.0  # wall time: a fast site clock does not make the network faster
SILENT_PINGS = 3  # periods without a word from the other side, beyond the running one
ANSWER_WITHIN_S = 60.0
KEPT_BOUND_S = 60.0  # two clocks may drift apart, so a bound is renewed
_LENGTH = 4


class Hello(msgspec.Struct, array_like=True, tag="hello", frozen=True):
    """The gateway's first word. ``sent``: milliseconds of its own monotonic clock."""

    version: int
    sent: int


class Welcome(msgspec.Struct, array_like=True, tag="welcome", frozen=True):
    """The head-end's answer to it."""

    version: int
    sent: int
    echo: int


class Ready(msgspec.Struct, array_like=True, tag="ready", frozen=True):
    """The gateway can judge the age of exchanges: they may come."""


class Ping(msgspec.Struct, array_like=True, tag="ping", frozen=True):
    """Still here."""

    sent: int


class Pong(msgspec.Struct, array_like=True, tag="pong", frozen=True):
    """Still here as well. ``echo``: the ping's time."""

    sent: int
    echo: int


class Call(msgspec.Struct, array_like=True, tag="call", frozen=True):
    """A verb of the store."""

    number: int
    body: bytes


class Answer(msgspec.Struct, array_like=True, tag="answer", frozen=True):
    """Its answer."""

    number: int
    body: bytes


class Exchange(msgspec.Struct, array_like=True, tag="exchange", frozen=True):
    """A frame for a line. ``hold``: keep the line for what follows. ``token``: of the sender's lease."""

    number: int
    sent: int
    line_id: int
    begin_within_ms: int
    priority: int
    hold: bool
    token: int
    framing: str
    frame: bytes


class Result(msgspec.Struct, array_like=True, tag="result", frozen=True):
    """What became of an exchange: the word of the outcome, and the sound frame that answered it, if one did."""

    number: int
    outcome: str
    raw: bytes


Telegram = Hello | Welcome | Ready | Ping | Pong | Call | Answer | Exchange | Result

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Telegram)


class UplinkError(Exception):
    """The other side sent something that is no telegram of ours, or at the wrong time: hang up."""


class UplinkLost(Exception):
    """The connection went away before the answer came."""


def encode(telegram: Telegram) -> bytes:
    """A telegram with its length in front."""
    body = _encoder.encode(telegram)
    return len(body).to_bytes(_LENGTH) + body


class Cutter:
    """Cuts a byte stream into telegrams."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Telegram]:
        """The telegrams that are complete now. Raises UplinkError."""
        held = self._held
        held += data
        found: list[Telegram] = []
        start = 0
        while len(held) - start >= _LENGTH:
            size = int.from_bytes(held[start : start + _LENGTH])
            if size > MAX_TELEGRAM:
                raise UplinkError(f"telegram of {size} bytes")
            end = start + _LENGTH + size
            if len(held) < end:
                break
            try:
                found.append(_decoder.decode(held[start + _LENGTH : end]))
            except msgspec.MsgspecError as error:
                raise UplinkError(str(error)) from error
            start = end
        del held[:start]
        return found


class AgeBound:
    """How old a telegram of the other side can be at most, both clocks being monotonic and nothing else in common.

    Our greeting was written at ``echo`` by our clock, and the answer at ``sent`` by theirs: no earlier. So their clock
    showed ``sent`` at our ``echo`` or later, and whatever they wrote at another ``sent`` is not older than this gives.
    """

    def __init__(self) -> None:
        self._best = -inf  # of our clock minus theirs, at least
        self._before = -inf
        self._since = -inf

    def learn(self, sent_ms: int, echo_ms: int, now_s: float) -> None:
        """An answer to a greeting of ours came."""
        if now_s - self._since > KEPT_BOUND_S:
            self._before, self._best, self._since = self._best, -inf, now_s
        self._best = max(self._best, echo_ms - sent_ms)

    def age_s(self, sent_ms: int, now_ms: int) -> float:
        """At most so old; infinite while nothing is known."""
        bound = max(self._best, self._before)
        return inf if bound == -inf else max(0.0, (now_ms - sent_ms - bound) / 1000)


class Handler(Protocol):
    """Whoever uses a session. Called from the event loop; must not block."""

    def session_up(self, session: Session) -> None:
        """Both sides are there."""

    def session_down(self, session: Session, reason: str) -> None:
        """The connection is gone; told once, also when it never came up."""

    def called(self, session: Session, number: int, body: bytes) -> None:
        """A verb to run; answer with ``session.answer``."""

    def exchange(self, session: Session, exchange: Exchange, age_s: float) -> None:
        """A frame to carry, at most so old already; answer with ``session.send(Result(...))``."""

    def result(self, session: Session, result: Result) -> None:
        """What became of an exchange."""


class Session(asyncio.Protocol):
    """One side of a connection. ``dialled``: we are the gateway."""

    def __init__(self, handler: Handler, clock: Clock, *, dialled: bool) -> None:
        self._handler = handler
        self._clock = clock
        self._dialled = dialled
        self._cutter = Cutter()
        self._bound = AgeBound()
        self._transport: asyncio.Transport | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._heard = True
        self._silent = 0
        self._number = 0
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._reason = "closed"
        self._last_exchange = 0
        self.up = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ready.add_done_callback(lambda future: future.cancelled() or future.exception())

    # -- for its user -------------------------------------------------------------------------------------------------

    async def call(self, body: bytes) -> bytes:
        """Run a verb on the other side. Raises UplinkLost; then it may or may not have run."""
        if not self.up:
            raise UplinkLost(self._reason)
        self._number += 1
        number = self._number
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._calls[number] = future
        try:
            self.send(Call(number, body))
            async with asyncio.timeout(max(self._clock.real(ANSWER_WITHIN_S), ANSWER_WITHIN_S / 10)):
                return await future
        except TimeoutError:
            self.hang_up("no-answer")
            raise UplinkLost("no-answer") from None
        finally:
            self._calls.pop(number, None)

    def answer(self, number: int, body: bytes) -> None:
        """The answer to a call."""
        self.send(Answer(number, body))

    def send(self, telegram: Telegram) -> None:
        """Write it out; nothing happens when the connection is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(telegram))

    def hang_up(self, reason: str) -> None:
        """End the connection."""
        self._reason = reason
        if self._transport is not None:
            self._transport.abort()

    def now_ms(self) -> int:
        """Our monotonic clock as telegrams tell it."""
        return round(self._clock.monotonic() * 1000)

    # -- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._dialled:
            self.send(Hello(VERSION, self.now_ms()))
        self._beat_again()

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._transport = None
        self.up = False
        if self._beat is not None:
            self._beat.cancel()
        if not self.ready.done():
            self.ready.set_exception(ConnectionResetError(self._reason))
        for future in self._calls.values():
            if not future.done():
                future.set_exception(UplinkLost(self._reason))
        self._handler.session_down(self, self._reason)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        try:
            for telegram in self._cutter.feed(data):
                if self._transport is None:
                    return
                self._take(telegram)
        except UplinkError:
            self.hang_up("not-ours")

    def _take(self, telegram: Telegram) -> None:
        match telegram:
            case Ping(sent):
                self.send(Pong(self.now_ms(), sent))
            case Pong(sent, echo):
                self._bound.learn(sent, echo, self._clock.monotonic())
            case Hello() | Welcome() | Ready():
                self._greeted(telegram)
            case _ if not self.up:
                raise UplinkError("before the greeting")
            case Answer(number, body):
                future = self._calls.get(number)
                if future is not None and not future.done():
                    future.set_result(body)
            case Call(number, body) if not self._dialled:
                self._handler.called(self, number, body)
            case Result() if not self._dialled:
                self._handler.result(self, telegram)
            case Exchange() if self._dialled:
                if telegram.number <= self._last_exchange:
                    raise UplinkError("an exchange twice")
                self._last_exchange = telegram.number
                self._handler.exchange(self, telegram, self._bound.age_s(telegram.sent, self.now_ms()))
            case _:
                raise UplinkError("from the wrong side")

    def _greeted(self, telegram: Hello | Welcome | Ready) -> None:
        if self.up:
            raise UplinkError("greeted twice")
        match telegram:
            case Hello(version, sent) if not self._dialled and version == VERSION:
                self.send(Welcome(VERSION, self.now_ms(), sent))
            case Welcome(version, sent, echo) if self._dialled and version == VERSION:
                self._bound.learn(sent, echo, self._clock.monotonic())
                self.send(Ready())
                self._came_up()
            case Ready() if not self._dialled:
                self._came_up()
            case _:
                raise UplinkError("another version, or from the wrong side")

    def _came_up(self) -> None:
        self.up = True
        if not self.ready.done():
            self.ready.set_result(None)
        self._handler.session_up(self)

    def _beat_again(self) -> None:
        pause = max(self._clock.real(PING_EVERY_S), SHORTEST_PING_S)
        self._beat = asyncio.get_running_loop().call_later(pause, self._tick)

    def _tick(self) -> None:
        if self._transport is None:
            return
        self._silent = 0 if self._heard else self._silent + 1
        self._heard = False
        if self._silent >= SILENT_PINGS:
            self.hang_up("silent")
            return
        self.send(Ping(self.now_ms()))
        self._beat_again()
