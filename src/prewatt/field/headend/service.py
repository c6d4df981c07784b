"""The head-end: keeps the roster's lines running, hands readings over, and carries what the office wants carried.

Each duty is a loop of its own and survives the store going away: reading goes on, facts wait in the outbox, nothing is
sent to a meter without leave.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

import structlog

from prewatt.core.clock import Clock
from prewatt.field.bus.driver import Bus
from prewatt.field.bus.timetable import Timetable
from prewatt.field.headend.clocks import LOOK_EVERY_S, Clocks
from prewatt.field.headend.control import Controller
from prewatt.field.headend.credit import Carrier
from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.leases import RENEW_EVERY_S, Leases
from prewatt.field.headend.managers import Managers
from prewatt.field.headend.outbox import Outbox
from prewatt.field.headend.plant import LinkMaker, Links, Plant
from prewatt.field.headend.sitetime import SiteTime
from prewatt.field.headend.store import Batch, GatewayEntry, LeaseLost, LineEntry, Store, StoreAway
from prewatt.field.headend.tunnel import OWN_KIND
from prewatt.field.headend.uplinks import Uplinks
from prewatt.field.links.base import Link

log = structlog.get_logger(__name__)

# site seconds; and the least of the wall's, so that a fast site clock does not flood the store
SECOND_S, LEAST_S = 1.0, 0.25
ROSTER_EVERY_S = 2.0
REPORT_EVERY_S = 15.0
AWAY_PAUSE_S = 1.0  # wall seconds
BATCHES_AT_ONCE = 4


class HeadEnd:
    """One head-end process. ``holder`` names it in leases; ``make_link`` is for tests and trials."""

    def __init__(
        self, store: Store, clock: Clock, *, holder: str = "headend", make_link: LinkMaker | None = None,
        managers: Managers | None = None, sets_clocks: bool = True,
    ) -> None:  # fmt: skip
        self._store = store
        self._clock = clock
        self._holder = holder
        self._make_link = make_link or Links(clock, managers).make
        self._managers = managers
        self._sets_clocks = sets_clocks  # our own clock is one to set others by
        self._time = SiteTime(clock)
        self._outbox = Outbox(self._time.at_ms)
        self._pending: deque[Batch] = deque()  # taken and not known to be stored, oldest first
        self._flushing = asyncio.Lock()
        self._roster_version = -1
        self._work_seen = asyncio.Event()
        self._store_away = False
        self._leases = Leases(store, holder, self._time)
        self.uplinks = Uplinks(store, clock, self._leases, self._outbox)
        self._plant: Plant | None = None
        self._carrier: Carrier | None = None
        self._controller: Controller | None = None
        self._clocks: Clocks | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        timetable = Timetable(self._clock, asyncio.get_running_loop())
        plant = Plant(self._link, timetable, self._clock, self._time, self._outbox, self._meter_back)
        self._plant = plant
        if self._managers is not None:
            self._managers.facts = plant.reported
        self._clocks = Clocks(plant, self._clock) if self._sets_clocks else None
        self.uplinks.begin(plant)
        self._carrier = carrier = Carrier(self._store, plant, self._leases, self._time, self._work_seen.set)
        self._controller = controller = Controller(self._store, plant, self._leases, self._time, self.flush)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._every(self._renew, RENEW_EVERY_S))
                group.create_task(self._every(self._refresh_roster, ROSTER_EVERY_S))
                group.create_task(self._every(self.flush, SECOND_S))
                group.create_task(self._every(self._tick, SECOND_S))
                group.create_task(self._every(self._report, REPORT_EVERY_S))
                group.create_task(self._every(self._look_at_clocks, LOOK_EVERY_S))
                group.create_task(self._look_for_work())
                group.create_task(self._listen())
        finally:
            self.uplinks.stop()
            await controller.stop()
            await carrier.stop()
            await plant.stop()

    async def flush(self) -> None:
        """Hand over what was seen. Raises StoreAway; then nothing is lost but waits."""
        async with self._flushing:
            while True:
                self._take()
                if not self._pending:
                    return
                stored = await asyncio.gather(
                    *(self._store.ingest(batch) for batch in self._pending), return_exceptions=True
                )
                for outcome in stored:
                    if outcome is not None:
                        # what came after it is told again: that does no harm, and the newest stays the last word
                        raise outcome
                    self._pending.popleft()
                if len(stored) < BATCHES_AT_ONCE:
                    return

    async def last_flush(self) -> None:
        """At the end of the process: what can still be handed over is."""
        try:
            async with asyncio.timeout(2):
                await self.flush()
        except (StoreAway, TimeoutError):
            log.warning("readings.not-stored")

    def exchanges(self) -> int:
        """Exchanges since the start, on all lines that run."""
        return self._plant.exchanges() if self._plant is not None else 0

    def bus(self, line_id: int) -> Bus | None:
        """A line that runs."""
        line = self._plant.lines.get(line_id) if self._plant is not None else None
        return line.bus if line is not None else None

    def _link(self, gateway: GatewayEntry, line: LineEntry) -> Link | None:
        return self.uplinks.link(gateway, line) if gateway.kind == OWN_KIND else self._make_link(gateway, line)

    # -- duties -----------------------------------------------------------------------------------------------------

    async def _renew(self) -> None:
        assert self._plant is not None
        await self._leases.renew()
        self._plant.command(self._leases.gateways())
        self.uplinks.keep(self._leases.gateways())

    async def _refresh_roster(self) -> None:
        assert self._plant is not None
        roster = await self._store.roster(known=self._roster_version)
        self._back()
        if roster is None:
            return
        self.uplinks.update(roster)
        if self._clocks is not None:
            self._clocks.zone = ZoneInfo(roster.time_zone)
        if self._managers is not None:
            self._managers.follow(roster)
        await self._plant.apply(roster)
        self._roster_version = roster.version
        # a gateway that is new has no lease yet
        await self._renew()

    def _take(self) -> None:
        """The next batch behind those that failed, or several while whole ones wait: the store must not idle then."""
        while len(self._pending) < BATCHES_AT_ONCE:
            batch = self._outbox.take()
            if batch is None:
                return
            self._pending.append(batch)
            if not self._outbox.full:
                return

    async def _tick(self) -> None:
        assert self._plant is not None
        self._time.settle()
        self._plant.tick(self._time.now())

    async def _report(self) -> None:
        assert self._plant is not None
        self._plant.report(self._time.now())

    async def _look_at_clocks(self) -> None:
        if self._clocks is not None:
            await self._clocks.look()

    async def _work(self) -> None:
        assert self._carrier is not None
        assert self._controller is not None
        assert self._plant is not None
        await self._carrier.look()
        await self._controller.look()
        self._plant.command(self._leases.gateways())

    async def _look_for_work(self) -> None:
        """At each push of the store, at each moment something was put off to, and once a second in any case."""
        while True:
            self._work_seen.clear()
            await self._guarded(self._work)
            try:
                async with asyncio.timeout(max(self._clock.real(SECOND_S), LEAST_S)):
                    await self._work_seen.wait()
            except TimeoutError:
                continue

    async def _listen(self) -> None:
        while True:
            await self._store.wait_for_work(timeout_s=60.0)
            self._work_seen.set()

    def _meter_back(self, meter: Meter) -> None:
        if self._carrier is not None:
            self._carrier.meter_back(meter)

    async def _every(self, duty: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            await self._guarded(duty)
            await self._time.sleep(seconds, LEAST_S)

    async def _guarded(self, duty: Callable[[], Awaitable[None]]) -> None:
        """A duty that fails is done again at its next turn. A store that is away is told of once."""
        try:
            await duty()
        except StoreAway as error:
            if not self._store_away:
                self._store_away = True
                log.warning("store.away", why=str(error))
            await asyncio.sleep(AWAY_PAUSE_S)
        except LeaseLost as error:
            log.warning("lease.lost", why=str(error))
        except Exception:
            log.exception("headend.duty-failed", duty=duty.__name__)

    def _back(self) -> None:
        if self._store_away:
            self._store_away = False
            log.info("store.back")
