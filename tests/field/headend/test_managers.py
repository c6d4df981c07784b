"""Acrel managers dial in over real sockets: their lines are polled and sold to, their own reports become readings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from prewatt.core.clock import ScaledClock
from prewatt.core.supply import Contact
from prewatt.field.headend import managers as module
from prewatt.field.headend.managers import ANSWER_WITHIN_S, Managers
from prewatt.field.headend.plant import Links
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import GatewayEntry, LineEntry, MeterEntry, RosterData
from prewatt.field.links.acrel import Caller
from prewatt.field.links.acrelsession import Answered
from prewatt.field.simulator.line import SimulatedLine
from prewatt.field.simulator.manager import SimulatedManager
from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.plan import DDSY, DTSY
from prewatt.meters.row import ABSENT, KEEP_ONLY
from tests.fakes import FakeStore
from tests.field.simulator.make import PLAN

SECRET = b"0123456789abcdef"
WHO = Caller("310000A001", "07")
SPEED = 10.0


class Site:
    """One manager with two lines of two meters; the head-end listens on a free port."""

    def __init__(self) -> None:
        wall = time.time()
        self.clock = ScaledClock(wall, wall, SPEED)
        self.random = Random(1)
        self.gateway = GatewayEntry(1, "北区", "acrel", "", 0, str(WHO), ())
        self.simulated: dict[int, SimulatedMeter] = {}
        self.lines: dict[int, SimulatedLine] = {}
        entries = tuple(self._line(port, profile) for port, profile in ((1, DDSY), (2, DTSY)))
        self.roster = RosterData(1, (replace(self.gateway, lines=entries),), private_networks=("127.0.0.0/8",))
        self.store = FakeStore(self.roster, self.clock)
        self.secrets = {"北区": SECRET}
        self.managers = Managers(self.clock, self.random.randbytes, self.secrets.get, "127.0.0.1")

    def _line(self, port: int, profile: str) -> LineEntry:
        meters, entries = {}, []
        for address in (1, 2):
            number = 100 * port + address
            plan = replace(PLAN, name=f"T-{number}", address=address, profile=profile,
                           serial=f"{230600000000 + number:012d}", seed=number)  # fmt: skip
            meters[number] = SimulatedMeter(plan, round(self.clock.now().timestamp() * 1000))
            entries.append(MeterEntry(number, plan.name, address, profile, "", 1800))
        self.simulated |= meters
        self.lines[port] = SimulatedLine(
            f"line {port}", {meter.plan.address: meter for meter in meters.values()}, self.clock, gateway="G", seed=port
        )
        return LineEntry(port, f"line {port}", port, 9600, "N", False, 0.0, tuple(entries))

    def manager(self, secret: bytes = SECRET) -> SimulatedManager:
        return SimulatedManager(WHO, secret, self.lines, self.clock)

    async def until(self, true: Callable[[], bool], within_s: float = 20.0) -> None:
        async with asyncio.timeout(within_s):
            while not true():
                await asyncio.sleep(0.02)

    async def dial(self, manager: SimulatedManager) -> asyncio.Task[None]:
        port = await self.managers.port_of(self.gateway)
        return asyncio.create_task(manager.run("127.0.0.1", port))


def live(story: Callable[[Site], Coroutine[Any, Any, None]]) -> None:
    async def tell() -> None:
        module.DEFAULT_PORT, before = 0, module.DEFAULT_PORT  # any free port
        site = Site()
        head = HeadEnd(site.store, site.clock, make_link=Links(site.clock, site.managers).make, managers=site.managers)
        working = asyncio.create_task(head.run())
        try:
            await site.until(lambda: bool(site.managers._listeners))
            await story(site)
        finally:
            module.DEFAULT_PORT = before
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    asyncio.run(tell())


def test_meters_behind_a_manager_are_polled_and_sold_to() -> None:
    async def story(site: Site) -> None:
        manager = site.manager()
        running = await site.dial(manager)
        await site.until(lambda: set(site.store.latest) == {101, 102, 201, 202})
        assert manager.heard == ["sequence", "result:pass"]
        before = site.simulated[101].purse.total
        order = site.store.sell(101, 12_00)
        await site.until(lambda: order.state == "DELIVERED")
        assert site.simulated[101].purse.total == before + 12_00
        manager.beat()
        await site.until(lambda: manager.time_told != "")
        told = datetime.strptime(manager.time_told, "%Y%m%d%H%M%S").replace(tzinfo=site.managers.zone)
        assert abs(told - site.clock.now()) < timedelta(seconds=10 * SPEED)
        running.cancel()

    live(story)


def test_a_wrong_secret_reads_nothing() -> None:
    async def story(site: Site) -> None:
        running = await site.dial(site.manager(b"x" * 16))
        await asyncio.wait_for(running, 10)
        assert site.store.latest == {}
        assert site.managers._unproven == set()

    live(story)


def test_a_manager_is_heard_only_from_a_network_that_the_site_declares_private() -> None:
    async def story(site: Site) -> None:
        site.managers.follow(replace(site.roster, private_networks=("10.0.0.0/8",)))
        running = await site.dial(site.manager())
        await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 10)
        assert site.store.latest == {}
        assert site.managers._connections == {}

    live(story)


def test_a_manager_that_goes_takes_its_gateway_out_of_contact_and_comes_back() -> None:
    def contact(site: Site) -> list[str]:
        return [change.contact for change in site.store.contacts if change.kind == "gateway"]

    async def story(site: Site) -> None:
        # nobody dials at first
        await site.until(lambda: contact(site) == [Contact.OUT])
        first = await site.dial(site.manager())
        await site.until(lambda: contact(site)[-1] == Contact.OK)
        await site.until(lambda: 101 in site.store.latest)
        # a second connection of the same manager takes the place of the first
        again = site.manager()
        second = await site.dial(again)
        await asyncio.wait_for(asyncio.gather(first, return_exceptions=True), 10)
        site.store.latest.clear()
        await site.until(lambda: 101 in site.store.latest)
        second.cancel()

    live(story)


def test_a_managers_own_reports_become_readings_and_never_move_the_state() -> None:
    async def story(site: Site) -> None:
        manager = site.manager()
        running = await site.dial(manager)
        await site.until(lambda: set(site.store.latest) == {101, 102, 201, 202})
        late = datetime.now(site.managers.zone).replace(microsecond=0, tzinfo=None) - timedelta(days=7)
        site.store.readings.clear()
        values = {"WPP": 1_234_560, "PowerHigh": 1_000}
        manager.report(late, {(2, 1): values, (1, 9): values, (3, 1): values}, zipped=True)
        manager.report(late + timedelta(days=30), {(2, 1): values})  # a clock that is far off
        await site.until(lambda: any(row.store == KEEP_ONLY for row in site.store.readings))
        kept = [row for row in site.store.readings if row.store == KEEP_ONLY]
        at = late.replace(tzinfo=site.managers.zone).astimezone(UTC)
        assert [(row.meter_id, row.at_ms, row.energy_wh, row.peak_wh, row.credit) for row in kept] == [
            (201, round(at.timestamp() * 1000), 1_234_560, 1_000, ABSENT)
        ]
        running.cancel()

    live(story)


class User:
    """A bus that only listens."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.heard: list[bytes] = []

    def link_up(self) -> None:
        self.told.append("up")

    def link_down(self, reason: str) -> None:
        self.told.append(reason)

    def link_bytes(self, data: bytes) -> None:
        self.heard.append(data)


class Sink:
    """A connection that swallows."""

    def ask(self, port: int, address: int, frame: bytes) -> None: ...


def test_an_answer_to_an_older_question_or_past_its_deadline_is_dropped() -> None:
    now = [0.0]
    managers = Managers(ScaledClock(0, 0, 1), Random(1).randbytes, lambda _: SECRET, "127.0.0.1")
    managers.monotonic = lambda: now[0]
    line = LineEntry(1, "line", 1, 9600, "N", False, 0.0, ())
    link = managers.line(GatewayEntry(1, "G", "acrel", "", 0, "", (line,)), line)
    link._user = user = User()  # type: ignore[assignment]
    link.attach(Sink())  # type: ignore[arg-type]
    first, second = bytes.fromhex("0103020000304466"), bytes.fromhex("0203020000304455")

    def comes(address: int, data: bytes) -> None:
        link.answered(Answered(1, address, data))

    link.send(first, 101)
    link.send(first, 101)
    comes(1, b"late")  # of the first of the two
    assert user.heard == []
    comes(1, b"good")
    assert user.heard == [b"good"]
    comes(1, b"nobody asked")
    link.send(first, 101)
    link.send(second, 101)
    comes(1, b"late")
    comes(2, b"two")
    assert user.heard == [b"good", b"two"]
    link.send(second, 101)
    now[0] = ANSWER_WITHIN_S + 0.1
    comes(2, b"past")
    assert user.heard == [b"good", b"two"]
    assert link.dropped == 4
