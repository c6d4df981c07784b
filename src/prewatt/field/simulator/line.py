"""A simulated RS-485 line without any I/O: a frame goes in, timed bytes come out.

The line is half duplex: what a master says while an answer is on the wire collides with it and is not heard. A meter
answers after a turnaround of 30 to 300 ms; bytes take the time the baud rate gives them. Whoever drives the line, a TCP
server in site time or a test in virtual time, waits the delays it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prewatt.core.clock import Clock
from prewatt.field.simulator import dlt
from prewatt.field.simulator.adf import ADF_3P_MAP, ADF_MAP
from prewatt.field.simulator.chance import stream
from prewatt.field.simulator.faults import LATE_S, FaultKind, Faults
from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.nk import DDSY_MAP, DTSY_MAP
from prewatt.field.simulator.panel import DTSD_MAP, PZ_MAP
from prewatt.field.simulator.plan import ACR, ADF, ADF_3P, DDSY, DLT_MODELS, DTSD, DTSY, PZ
from prewatt.field.simulator.registers import RegisterMap
from prewatt.meters import dlt645
from prewatt.meters.modbus import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    MAX_READ,
    READ,
    WRITE,
    Request,
    exception_answer,
    open_request,
    read_answer,
    sound,
    write_answer,
)  # fmt: skip

MAPS: Mapping[str, RegisterMap] = {
    DDSY: DDSY_MAP, DTSY: DTSY_MAP, ADF: ADF_MAP, ADF_3P: ADF_3P_MAP, DTSD: DTSD_MAP, PZ: PZ_MAP, ACR: PZ_MAP,
}  # fmt: skip
TURNAROUND_S = (0.030, 0.300)
PIECE_BYTES = 16  # how many bytes a gateway's serial port gathers before it hands them on
Timed = list[tuple[float, bytes]]


def answer(meter: SimulatedMeter, frame: bytes) -> bytes | None:
    """What a meter that heard a frame says, None for silence. Broadcasts and frames that are torn find no answer."""
    if meter.plan.profile in DLT_MODELS:
        return dlt.answer(meter, frame)
    request = open_request(frame)
    if request is None:
        return _odd_function(meter, frame)
    if request.unit != meter.plan.address:
        return None
    if request.function not in (READ, WRITE):
        return exception_answer(request.unit, request.function, ILLEGAL_FUNCTION)
    registers = MAPS[meter.plan.profile]
    if not 1 <= request.count <= MAX_READ or request.address + request.count > 0x10000:
        return exception_answer(request.unit, request.function, ILLEGAL_VALUE)
    if request.function == READ:
        body = registers.read(meter, request.address, request.count)
        if body is None:
            return exception_answer(request.unit, READ, ILLEGAL_ADDRESS)
        return read_answer(request.unit, body)
    return _written(meter, registers, request)


def _written(meter: SimulatedMeter, registers: RegisterMap, request: Request) -> bytes | None:
    code = registers.write(meter, request.address, request.words)
    if not meter.powered:
        return None  # the supply failed while it wrote
    return exception_answer(request.unit, WRITE, code) if code else write_answer(request)


def _odd_function(meter: SimulatedMeter, frame: bytes) -> bytes | None:
    """A sound frame of a function or form this meter does not know."""
    if len(frame) < 4 or frame[0] != meter.plan.address or not sound(frame) or frame[1] & 0x80:
        return None
    code = ILLEGAL_VALUE if frame[1] in (READ, WRITE) else ILLEGAL_FUNCTION
    return exception_answer(frame[0], frame[1], code)


def _changes(meter: SimulatedMeter, frame: bytes) -> bool:
    """Whether a frame was meant to change something."""
    if meter.plan.profile in DLT_MODELS:
        asked = dlt645.open_frame(frame)
        return asked is not None and asked.function not in (dlt645.READ, dlt645.FOLLOW, dlt645.READ_ADDRESS)
    return frame[1] == WRITE


class SimulatedLine:
    """Meters along one pair of wires. ``keep`` is called before a write that changed a meter is acknowledged."""

    def __init__(
        self,
        name: str,
        meters: Mapping[int, SimulatedMeter],
        clock: Clock,
        *,
        gateway: str = "",
        baud: int = 9600,
        parity: str = "N",
        seed: int = 1,
        faults: Faults | None = None,
        keep: Callable[[SimulatedMeter], None] = lambda _meter: None,
    ) -> None:
        self.name, self.gateway = name, gateway
        self.meters = dict(meters)
        self.faults = faults if faults is not None else Faults()
        self.clock = clock
        self.byte_s = (10 if parity == "N" else 11) / baud
        self.exchanges = 0
        self._keep = keep
        self._rng = stream("line", seed, name)
        self._talk_from = self._talk_until = -1.0
        self._by_serial = {
            meter.serial.zfill(12): meter for meter in meters.values() if meter.plan.profile in DLT_MODELS
        }  # fmt: skip

    @property
    def holds_dlt(self) -> bool:
        """Whether frames of DL/T 645 may be meant for somebody here."""
        return bool(self._by_serial)

    @property
    def silence_s(self) -> float:
        """The gap that ends a frame: 3.5 characters, 1.75 ms above 19200 baud."""
        return max(0.00175, 3.5 * self.byte_s)

    def now_ms(self) -> int:
        """Site time in epoch milliseconds."""
        return int(self.clock.now().timestamp() * 1000)

    def respond(self, frame: bytes) -> Timed:
        """Put a request on the wire now. Returns pieces of the answer, each with the seconds until it is through."""
        moment = self.clock.monotonic()
        if self._talk_from <= moment < self._talk_until:
            return []  # two talk at once: neither is understood
        now_ms = self.now_ms()
        heard_s = len(frame) * self.byte_s
        # one draw for each purpose whatever happens, so that a fault does not shift the stream of what follows
        turnaround = self._rng.uniform(*TURNAROUND_S)
        chance = self._rng.random()
        said = self._say(frame, now_ms, chance)
        if said is None:
            return []
        self.exchanges += 1
        reply, late_s = said
        start = heard_s + turnaround + late_s
        collides = moment + start < self._talk_until
        if collides:
            reply = self._flip(reply)
        self._talk_from, self._talk_until = moment + start, moment + start + len(reply) * self.byte_s
        return [
            (start + (at + len(piece)) * self.byte_s, piece)
            for at in range(0, len(reply), PIECE_BYTES)
            if (piece := reply[at : at + PIECE_BYTES])
        ]

    def _say(self, frame: bytes, now_ms: int, chance: float) -> tuple[bytes, float] | None:
        """The answer and how much too late it is."""
        meter = self._called(frame, now_ms)
        if meter is None:
            return None
        find, places = self.faults.find, (meter.serial, self.name, self.gateway)
        if find(FaultKind.GATEWAY_LOST, now_ms, self.name, self.gateway):
            return None
        meter.advance(now_ms)
        if not meter.powered or find(FaultKind.DEAD, now_ms, *places):
            return None
        noise = find(FaultKind.NOISE, now_ms, *places)
        if noise and chance < noise.chance / 2:
            frame = self._flip(frame)  # garbled on the way there: nobody understands it
        wrong = find(FaultKind.WRONG_UNIT, now_ms, *places)
        if wrong and chance < wrong.chance:
            return self._as_neighbour(meter, frame, now_ms)
        version = meter.version
        reply = answer(meter, frame)
        if meter.version != version and _changes(meter, frame):
            self._keep(meter)
        if reply is None:
            return None
        if noise and noise.chance / 2 <= chance < noise.chance:
            reply = self._flip(reply)
        late = find(FaultKind.LATE, now_ms, *places)
        return reply, self._rng.uniform(*LATE_S) if late and chance < late.chance else 0.0

    def _called(self, frame: bytes, now_ms: int) -> SimulatedMeter | None:
        """Who is meant by a frame; a broadcast of DL/T 645 is heard by all of its kind, and answered by none."""
        if self._by_serial and (asked := dlt645.open_frame(frame)) is not None:
            if asked.address == dlt645.BROADCAST:
                for one in self._by_serial.values():
                    one.advance(now_ms)
                    dlt.answer(one, frame)
                return None
            if asked.address == dlt645.WILDCARD and len(self._by_serial) == 1:
                return next(iter(self._by_serial.values()))
            return self._by_serial.get(asked.address)
        meter = self.meters.get(frame[0]) if frame else None
        return None if meter is not None and meter.plan.profile in DLT_MODELS else meter

    def _as_neighbour(self, meter: SimulatedMeter, frame: bytes, now_ms: int) -> tuple[bytes, float] | None:
        """Another unit takes a read for its own; a write is heard by nobody."""
        others = [
            other for other in self.meters.values()
            if other is not meter and other.powered and other.plan.profile in MAPS
        ]  # fmt: skip
        request = open_request(frame)
        if not others or request is None or request.function != READ:
            return None
        other = others[self._rng.randrange(len(others))]
        other.advance(now_ms)
        body = MAPS[other.plan.profile].read(other, request.address, request.count)
        return None if body is None else (read_answer(other.plan.address, body), 0.0)

    def _flip(self, frame: bytes) -> bytes:
        """The frame with one to three bits turned over."""
        garbled = bytearray(frame)
        for _ in range(self._rng.randint(1, 3)):
            garbled[self._rng.randrange(len(garbled))] ^= 1 << self._rng.randrange(8)
        return bytes(garbled)
