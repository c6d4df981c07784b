"""Carries control orders: a reading wanted now, a gateway called anew, a scan of a line.

A reading goes in front of the round and is stored before it is reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from prewatt.field.bus.exchange import Outcome, Priority
from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.leases import Leases
from prewatt.field.headend.line import Line
from prewatt.field.headend.plant import Plant
from prewatt.field.headend.scan import Scan, settings_of
from prewatt.field.headend.sitetime import SiteTime
from prewatt.field.headend.store import ControlTask, Found, Lease, LeaseLost, Store, StoreAway

log = structlog.get_logger(__name__)

SCAN = "scan"
HANGS_UP_S = 1.0  # a link that was open is closed and called again
CALLED_WITHIN_S = 10.0
LOOK_EVERY_S = 0.25
CLAIMED_AT_ONCE = 200
DONE, FAILED = "done", "failed"
NOT_ON_ROSTER = FAILED, "not-on-roster"


class Controller:
    """All control orders under way."""

    def __init__(
        self, store: Store, plant: Plant, leases: Leases, time: SiteTime, flush: Callable[[], Awaitable[None]]
    ) -> None:
        self._store = store
        self._plant = plant
        self._leases = leases
        self._time = time
        self._flush = flush  # hand over what was read
        self._running: set[asyncio.Task[None]] = set()

    async def look(self) -> None:
        """Claim what waits and begin it."""
        leases = self._leases.all()
        if not leases:
            return
        for task in await self._store.claim(leases=leases, limit=CLAIMED_AT_ONCE):
            running = asyncio.get_running_loop().create_task(self._run(task, {one.gateway_id: one for one in leases}))
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        """Leave what is under way; its claim falls back when the lease ends."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, task: ControlTask, leases: dict[int, Lease]) -> None:
        found = self._plant.find(task.meter_id) if task.meter_id else None
        lease = leases.get(found[0].gateway.gateway_id if found else task.gateway_id)
        outcome, reason = NOT_ON_ROSTER
        try:
            if lease is not None:
                outcome, reason = await self._carry(task, lease, found)
            # without a lease of its own any lease reports that the meter is not there
            lease = lease or next(iter(leases.values()))
            if outcome == DONE:
                await self._flush()
            await self._store.done(order_id=task.order_id, lease=lease, outcome=outcome, reason=reason)
        except LeaseLost:
            if lease is not None and task.kind != SCAN:  # a scan's order may have lapsed while the lease is whole
                self._leases.lost(lease.gateway_id)
        except StoreAway as error:
            log.warning("control.store-away", order=task.order_id, why=str(error))

    async def _carry(self, task: ControlTask, lease: Lease, found: tuple[Line, Meter] | None) -> tuple[str, str]:
        if task.deadline_ms and self._time.at_ms(self._time.now()) >= task.deadline_ms:
            return FAILED, "too-late"
        match task.kind:
            case "read-now":
                return await self._read_now(*found) if found else NOT_ON_ROSTER
            case "reconnect":
                return await self._reconnect(self._plant.of_gateway(task.gateway_id))
            case "scan":
                return await self._scan(task, lease)
        return FAILED, "unknown-kind"

    async def _read_now(self, line: Line, meter: Meter) -> tuple[str, str]:
        outcome = await line.read_state(meter, Priority.READ_NOW)
        return (DONE, "") if outcome is Outcome.ANSWER else (FAILED, outcome.value)

    async def _reconnect(self, lines: Sequence[Line]) -> tuple[str, str]:
        """Hang up and call at once; whether any line of it could be opened."""
        if not lines:
            return NOT_ON_ROSTER
        for line in lines:
            if not line.machine.claimed:  # money is under way there, so it is in contact
                line.bus.reopen()
        began = self._time.now()
        await self._time.sleep(HANGS_UP_S)
        while not any(line.machine.up for line in lines):
            if self._time.now() - began >= CALLED_WITHIN_S:
                return FAILED, lines[0].gateway_contact.reason or "no-answer"
            await self._time.sleep(LOOK_EVERY_S)
        return DONE, ""

    async def _scan(self, task: ControlTask, lease: Lease) -> tuple[str, str]:
        line = self._plant.lines.get(task.line_id)
        if line is None:
            return NOT_ON_ROSTER

        untold: list[Found] = []

        async def report(asked: int, found: Sequence[Found]) -> bool:
            untold.extend(found)
            now = self._leases.current(lease.gateway_id) or lease
            try:
                go_on = await self._store.progress(order_id=task.order_id, lease=now, asked=asked, found=untold)
            except StoreAway:
                return True  # told with the next report
            untold.clear()
            return go_on

        body = task.body
        settings = settings_of(str(body.get("settings", ""))) or [(line.entry.baud, line.entry.parity)]
        return await Scan(self._plant, line, self._time, report).run(int(body["from"]), int(body["to"]), settings)
