"""A small house in memory: meters on lines, lines on gateways, a dict for a store, and virtual time over all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from random import Random

from prewatt.core.clock import SteppedClock
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import GatewayEntry, LineEntry, MeterEntry, RosterData
from prewatt.field.links.memory import MemoryLink
from tests import virtual
from tests.fakes import FakeMeter, FakeStore

PROFILE = "acrel-ddsy1352-nk"
CHARACTER_S = 10 / 9600


class Wire:
    """The scripted line: answers after request, turnaround and answer time, and does what ``fault`` says first."""

    def __init__(self, meters: list[FakeMeter], random: Random) -> None:
        self.meters = meters
        self.random = random
        self.turnaround = (0.030, 0.300)
        # gets the frame and what would arrive; gives what does arrive
        self.fault: Callable[[bytes, list[tuple[float, bytes]]], list[tuple[float, bytes]]] | None = None

    def respond(self, frame: bytes) -> Iterator[tuple[float, bytes]]:
        arriving: list[tuple[float, bytes]] = []
        for meter in self.meters:
            answer = meter.answer(frame)
            if answer is not None:
                wait = self.random.uniform(*self.turnaround) + (len(frame) + len(answer)) * CHARACTER_S
                arriving.append((wait, answer))
        if self.fault is not None:
            arriving = self.fault(frame, arriving)
        yield from arriving


class House:
    """``lines`` gives the number of meters of each line; line n hangs on gateway n unless ``per_gateway`` says other."""

    def __init__(self, lines: list[int], *, per_gateway: int = 1, pause_s: float = 0.0, seed: int = 1) -> None:
        self.clock = SteppedClock(virtual.START)
        self.random = Random(seed)
        self.wires: dict[int, Wire] = {}
        self.links: dict[int, MemoryLink] = {}
        self.meters: dict[int, FakeMeter] = {}
        gateways: list[GatewayEntry] = []
        entries: list[LineEntry] = []
        for number, count in enumerate(lines, 1):
            meters = [self._meter(number, unit) for unit in range(1, count + 1)]
            self.wires[number] = Wire([self.meters[entry.meter_id] for entry in meters], self.random)
            entries.append(LineEntry(number, f"line {number}", 1, 9600, "N", False, pause_s, tuple(meters)))
            if len(entries) == per_gateway or number == len(lines):
                gateway = len(gateways) + 1
                gateways.append(
                    GatewayEntry(gateway, f"gateway {gateway}", "transparent", "memory", 1, "", tuple(entries))
                )
                entries = []
        self.store = FakeStore(RosterData(1, tuple(gateways)), self.clock)

    def _meter(self, line: int, unit: int) -> MeterEntry:
        meter_id = 100 * line + unit
        self.meters[meter_id] = FakeMeter(unit, f"{meter_id:012d}")
        return MeterEntry(meter_id, f"meter {meter_id}", unit, PROFILE, f"{meter_id:012d}", 1800)

    def make_link(self, gateway: GatewayEntry, line: LineEntry) -> MemoryLink:
        if line.line_id not in self.wires:
            self.wires[line.line_id] = Wire([self.meters[entry.meter_id] for entry in line.meters], self.random)
        link = MemoryLink(self.wires[line.line_id].respond, self.clock)
        self.links[line.line_id] = link
        return link

    def live(self, story: Callable[[House], Awaitable[None]]) -> None:
        """Run the head-end while the story is told."""
        virtual.run(self._live(story), self.clock)

    async def _live(self, story: Callable[[House], Awaitable[None]]) -> None:
        head = HeadEnd(self.store, self.clock, make_link=self.make_link)
        working = asyncio.create_task(head.run())
        telling = asyncio.ensure_future(story(self))
        await asyncio.wait({working, telling}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await telling

    async def until(self, true: Callable[[], bool], within_s: float) -> float:
        """Wait until it is so; how long that took. Fails when it takes longer."""
        began = self.clock.monotonic()
        while not true():
            assert self.clock.monotonic() - began < within_s, "did not happen in time"
            await asyncio.sleep(0.05)
        return self.clock.monotonic() - began
