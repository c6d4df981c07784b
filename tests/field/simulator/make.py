"""Small buildings for the tests of the simulator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from prewatt.core.clock import SteppedClock
from prewatt.field.simulator.faults import Faults
from prewatt.field.simulator.line import SimulatedLine
from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.plan import DDSY, MeterPlan
from prewatt.meters import modbus

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # a Monday, 12:00 in the building
NOON_MS = int(NOON.timestamp() * 1000)
HOUR_MS = 3_600_000

PLAN = MeterPlan(
    name="T-1", address=1, profile=DDSY, serial="230600000001", kind="steady", scale_w=2_000, seed=7, credit_fen=100_00,
    energy_wh=50_000, opened_days=50, overdraft_fen=0,
)  # fmt: skip


def meter(**changes: object) -> SimulatedMeter:
    """A meter that draws a steady 2 kW, unless told otherwise."""
    return SimulatedMeter(replace(PLAN, **changes), NOON_MS)  # type: ignore[arg-type]


class Desk:
    """A meter on a line of its own, a clock moved by hand, and a master that reads and writes at once."""

    def __init__(self, *meters: SimulatedMeter, faults: Faults | None = None, seed: int = 1, baud: int = 9600) -> None:
        self.clock = SteppedClock(NOON)
        self.meters = {one.plan.address: one for one in meters or (meter(),)}
        self.meter = next(iter(self.meters.values()))
        self.kept: list[str] = []
        self.line = SimulatedLine(
            "T", self.meters, self.clock, gateway="G", seed=seed, faults=faults, baud=baud,
            keep=lambda one: self.kept.append(one.serial),
        )  # fmt: skip

    def say(self, frame: bytes) -> bytes:
        """A whole exchange: the answer, empty for silence. The line is free afterwards."""
        pieces = self.line.respond(frame)
        self.clock.step(pieces[-1][0] + 0.01 if pieces else 1.0)
        return b"".join(piece for _, piece in pieces)

    def read(self, address: int, count: int, unit: int = 1) -> bytes:
        """Register bytes of a read that must succeed."""
        reply = self.say(modbus.read_request(unit, address, count))
        assert modbus.sound(reply), reply.hex(" ")
        assert reply[:3] == bytes((unit, 3, 2 * count)), reply.hex(" ")
        return reply[3:-2]

    def number(self, address: int, count: int = 2, *, signed: bool = False) -> int:
        return int.from_bytes(self.read(address, count), signed=signed)

    def write(self, address: int, *words: int) -> int:
        """Exception code of a write, 0 when it was done."""
        frame = modbus.write_request(1, address, words)
        reply = self.say(frame)
        assert modbus.sound(reply), reply.hex(" ")
        if reply[1] & 0x80:
            return reply[2]
        assert reply[:6] == frame[:6]
        return 0

    def buy(self, amount: int, count: int) -> int:
        """Exception code of a credit frame."""
        return self.write(0x050D, amount >> 16 & 0xFFFF, amount & 0xFFFF, count)
