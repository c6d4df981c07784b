"""A house whose lines hang on our own gateway: a zone program, a head-end, a dict for a store, and a wire to cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from prewatt.core.clock import SteppedClock
from prewatt.field.gateway.buffer import Buffer
from prewatt.field.gateway.uplink import Uplink
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import GatewayEntry
from prewatt.field.links.memory import MemoryLink
from prewatt.main.zone import Gateway
from tests import virtual
from tests.field.headend.house import House
from tests.pipes import Network

NAME = "gateway 1"


class FastClock(SteppedClock):
    """Site time that passes ``speed`` times as fast as the loop's: a week in less than three hours of virtual time."""

    def __init__(self, wall: SteppedClock, speed: float) -> None:
        super().__init__(virtual.START)
        self._wall = wall
        self._speed = speed

    def now(self) -> datetime:
        return virtual.START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return self._wall.monotonic() * self._speed

    def real(self, seconds: float) -> float:
        return seconds / self._speed


class ZoneHouse(House):
    """One gateway of kind prewatt. ``store`` is the head-end's; the meters answer on the zone's links."""

    def __init__(
        self, lines: list[int], file: Path | str = ":memory:", *, pause_s: float = 0.0, speed: float = 1
    ) -> None:
        super().__init__(lines, per_gateway=len(lines), pause_s=pause_s)
        self.wall = self.clock
        if speed != 1:
            self.clock = self.store.clock = FastClock(self.wall, speed)
        gateways = tuple(replace(one, kind="prewatt") for one in self.store.data.gateways)
        self.store.data = replace(self.store.data, gateways=gateways)
        self.file = file
        self.network = Network()
        self.head: HeadEnd
        self.gateway: Gateway
        self.links: dict[int, MemoryLink] = {}
        self._zone_task: asyncio.Task[None] | None = None

    def no_link(self, gateway: GatewayEntry, line: object) -> None:
        """The head-end has no way of its own."""
        raise AssertionError(f"{gateway.kind}: {line}")

    def start_zone(self) -> None:
        """The zone program begins, or begins again."""
        self.buffer = Buffer(self.file)
        uplink = Uplink(self.network.dial, [("head-end", 4433)], self.clock)
        self.gateway = Gateway(uplink, self.buffer, self.clock, self.make_link, NAME)
        self._zone_task = asyncio.create_task(self.gateway.run())

    async def stop_zone(self) -> None:
        """It is told to stop."""
        task = self._zone_task
        assert task is not None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self.buffer.close()

    async def _live(self, story: Callable[[ZoneHouse], Awaitable[None]]) -> None:
        self.head = HeadEnd(self.store, self.clock, make_link=self.no_link)
        self.network.accept["head-end"] = lambda: self.head.uplinks.accept(NAME)
        working = asyncio.create_task(self.head.run())
        self.start_zone()
        telling = asyncio.ensure_future(story(self))
        await asyncio.wait({working, telling}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await self.stop_zone()
        await telling

    def tell(self, story: Callable[[ZoneHouse], Awaitable[None]]) -> None:
        """Run both programs while the story is told."""
        virtual.run(self._live(story), self.wall)
