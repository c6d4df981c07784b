"""The server's side of one Acrel manager: who it is, what it reports, and frames sent through it. Sans-I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from prewatt.field.links import acrel
from prewatt.field.links.acrel import MOST_BYTES, AcrelError, Caller, Cutter, Frame, Report, Type

MOST_BEFORE_PROOF = 4096
SEQUENCE_BYTES = 16

SecretOf = Callable[[Caller], bytes | None]


@dataclass(frozen=True, slots=True)
class Proven:
    """The manager proved who it is."""

    who: Caller


@dataclass(frozen=True, slots=True)
class Answered:
    """A frame came back from a meter behind it."""

    port: int
    address: int
    frame: bytes


Event = Proven | Answered | Report


class ManagerSession:
    """Feed it what arrives; send what ``outgoing`` gives. Raises AcrelError when the connection must end."""

    def __init__(
        self, *, secret_of: SecretOf, civil_now: Callable[[], datetime], random: Callable[[int], bytes]
    ) -> None:
        """``secret_of``: a caller's device secret, None for a stranger. ``civil_now``: what its clock is set to."""
        self.who: Caller | None = None
        self._secret_of = secret_of
        self._civil_now = civil_now
        self._random = random
        self._cutter = Cutter(MOST_BEFORE_PROOF)
        self._out = bytearray()
        self._secret = b""
        self._asked: tuple[Caller, str] | None = None  # the sequence given to a caller not yet proven

    def outgoing(self) -> bytes:
        """Bytes for the wire."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def feed(self, data: bytes) -> list[Event]:
        """Take what arrived; what it tells. Raises AcrelError."""
        self._cutter.feed(data)
        events: list[Event] = []
        while (frame := self._cutter.next()) is not None:
            event = self._take(frame)
            if event is not None:
                events.append(event)
        return events

    def ask(self, port: int, address: int, frame: bytes) -> None:
        """Send a frame to a meter behind it. Raises AcrelError before the proof."""
        if self.who is None:
            raise AcrelError("not-proven")
        sealed = acrel.seal(self._secret, acrel.downlink(port, address, frame))
        self._out += acrel.frame(Type.DOWNLINK, sealed)

    def _take(self, frame: Frame) -> Event | None:
        if frame.type is Type.AUTH:
            return self._validate(frame.data)
        if self.who is None:
            raise AcrelError("not-proven")
        match frame.type:
            case Type.HEARTBEAT:
                self._out += acrel.frame(Type.HEARTBEAT, acrel.heartbeat(self.who, "time", self._civil_now()))
                return None
            case Type.DATA | Type.DATA_ZIPPED:
                return self._report(frame)
            case Type.DOWNLINK_ACK:
                return Answered(*acrel.open_downlink(acrel.unseal(self._secret, frame.data)))
        raise AcrelError("type")

    def _validate(self, data: bytes) -> Proven | None:
        root = acrel.parse(data)
        who = acrel.caller(root)
        step = root.child("id_validate")
        operation = step.attributes.get("operation", "") if step is not None else ""
        if self.who is not None or step is None:
            raise AcrelError("out-of-place")
        if operation == "request":
            # a stranger gets a sequence as well: who is known here is nobody's business
            sequence = self._random(SEQUENCE_BYTES).hex()
            self._asked = who, sequence
            self._out += acrel.frame(Type.AUTH, acrel.validate(who, "sequence", sequence))
            return None
        if operation != "md5" or self._asked is None:
            raise AcrelError("out-of-place")
        (asked, sequence), self._asked = self._asked, None  # a sequence serves once
        secret = self._secret_of(who)
        if who != asked or secret is None or not acrel.proven(secret, sequence, step.words("md5")):
            self._out += acrel.frame(Type.AUTH, acrel.validate(who, "result", "fail"))
            raise AcrelError("not-proven")
        self.who, self._secret = who, secret
        self._cutter.most = MOST_BYTES
        self._out += acrel.frame(Type.AUTH, acrel.validate(who, "result", "pass"))
        return Proven(who)

    def _report(self, frame: Frame) -> Report | None:
        plain = acrel.unseal(self._secret, frame.data)
        if frame.type is Type.DATA_ZIPPED:
            plain = acrel.unzip(plain)
        root = acrel.parse(plain)
        if self.who is None or acrel.caller(root).gateway != self.who.gateway:
            raise AcrelError("somebody-else")
        return acrel.report(root)
