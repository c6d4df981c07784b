"""What is done to meters, link, store and clock from outside, at its time or so long after a credit frame."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from prewatt.field.simulator.chance import seed_of
from tests.storm.meters import StormMeter
from tests.storm.plan import Happening

EXCHANGE_S = 6.0

if TYPE_CHECKING:
    from tests.storm.world import World


class Happenings:
    """Those of one schedule."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting = [one for one in world.schedule.happenings if one.when.money or one.when.verb]
        self._called: Counter[str] = Counter()
        self._away: dict[int, StormMeter] = {}  # meters that were taken down, by place

    def begin(self) -> None:
        """Set those that come by the clock."""
        for one in self._world.schedule.happenings:
            if one not in self._waiting:
                asyncio.get_running_loop().call_at(one.when.at, self._happen, one)

    def money(self, place: int, count: int) -> None:
        """The n-th credit frame to a meter went out."""
        for one in list(self._waiting):
            if one.when.meter == place and one.when.money == count:
                self._waiting.remove(one)
                asyncio.get_running_loop().call_later(one.when.at, self._happen, one)

    def verb(self, verb: str) -> None:
        """A verb was done, and is not yet answered."""
        self._called[verb] += 1
        for one in list(self._waiting):
            if one.when.verb == verb and one.when.nth == self._called[verb]:
                self._waiting.remove(one)
                if one.when.at:
                    asyncio.get_running_loop().call_later(one.when.at, self._happen, one)
                else:
                    self._happen(one)

    def calm(self) -> None:
        """The faults stop: what can be put right is."""
        for place, meter in self._away.items():
            self._exchange(place, meter)
        self._away.clear()
        self._link(lost=False)

    def _happen(self, one: Happening) -> None:
        world = self._world
        if world.calm:
            return
        world.note("happening", f"{one}")
        meter = world.wire.line.meters[one.meter + 1]
        assert isinstance(meter, StormMeter)
        loop = asyncio.get_running_loop()
        match one.kind:
            case "dead":
                world.wire.dead_until[one.meter] = world.now() + one.for_s
            case "swap" | "twin" | "old-twin":
                world.cause(one.meter, one.kind)
                self._swap(one, meter)
            case "reset":
                world.cause(one.meter, "reset")
                meter.advance(world.wire.line.now_ms())
                meter.reset()
            case "foreign":
                world.cause(one.meter, "foreign")
                meter.advance(world.wire.line.now_ms())
                meter.foreign_purchase(one.value or 10_07)
            case "link-down":
                self._link(lost=True)
                loop.call_later(one.for_s, self._link)
            case "store-away":
                world.store_away_until = world.now() + one.for_s
            case "stuck" | "second-head":
                self._second(one)
            case "clock":
                world.clock.jumped += timedelta(seconds=one.value)

    def _swap(self, one: Happening, meter: StormMeter) -> None:
        """Another meter is hung up in its place; a twin shows the same count and total, or those of the beginning."""
        world = self._world
        twins = {"twin": (meter.purse.count, meter.purse.total), "old-twin": world.schedule.opening[one.meter]}
        opening = twins.get(one.kind, (2, 77_00))
        serial = f"2609{seed_of('swap', world.schedule.seed, len(world.meters)) % 10**8:08d}"
        start_ms = world.wire.line.now_ms()
        other = StormMeter(serial, one.meter + 1, start_ms, opening, world.schedule.load_w, world._applied)
        world.meters.append(other)
        if one.back:
            self._away.setdefault(one.meter, meter)
        self._exchange(one.meter, other)

    def _exchange(self, place: int, meter: StormMeter) -> None:
        """Nobody unscrews a meter between two frames: its place is silent for a while."""
        wire = self._world.wire
        wire.dead_until[place] = max(wire.dead_until[place], self._world.now() + EXCHANGE_S)
        wire.busy_until = max(wire.busy_until, self._world.now() + EXCHANGE_S)
        asyncio.get_running_loop().call_later(EXCHANGE_S / 2, self._put, place, meter)

    def _put(self, place: int, meter: StormMeter) -> None:
        self._world.note("swap", f"{meter.serial} at {place + 1}")
        self._world.wire.line.meters[place + 1] = meter

    def _link(self, *, lost: bool = False) -> None:
        world = self._world
        world.link_lost = lost
        for head in world.living():
            for link in head.links:
                link.lost = lost
                if lost:
                    link.break_off()
                else:
                    link.restore()

    def _second(self, one: Happening) -> None:
        """A second head-end takes over; the first one lives on, perhaps without the store's answers for a while."""
        world = self._world
        if len(world.living()) != 1:
            return
        first = world.living()[0]
        if one.kind == "stuck":
            first.stuck_until = world.now() + one.for_s
        world.start_head()
        # two for good would fight over the line: the first is found and ended
        asyncio.get_running_loop().call_later(one.for_s + 5.0, first.cease)
