"""Carries control orders: so far, a reading wanted now, in front of the round and stored before it is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from prewatt.field.bus.exchange import Outcome, Priority
from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.leases import Leases
from prewatt.field.headend.line import Line
from prewatt.field.headend.plant import Plant
from prewatt.field.headend.sitetime import SiteTime
from prewatt.field.headend.store import ControlTask, Lease, LeaseLost, Store, StoreAway

log = structlog.get_logger(__name__)

READ_NOW = "read-now"
CLAIMED_AT_ONCE = 200
DONE, FAILED = "done", "failed"


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
        found = self._plant.find(task.meter_id)
        lease = leases.get(found[0].gateway.gateway_id) if found else None
        outcome, reason = FAILED, "not-on-roster"
        if found is not None and lease is not None:
            outcome, reason = await self._carry(task, *found)
        # without a lease of its own any lease reports that the meter is not there
        lease = lease or next(iter(leases.values()))
        try:
            if outcome == DONE:
                await self._flush()
            await self._store.done(order_id=task.order_id, lease=lease, outcome=outcome, reason=reason)
        except LeaseLost:
            self._leases.lost(lease.gateway_id)
        except StoreAway as error:
            log.warning("control.store-away", order=task.order_id, why=str(error))

    async def _carry(self, task: ControlTask, line: Line, meter: Meter) -> tuple[str, str]:
        if task.kind != READ_NOW:
            return FAILED, "unknown-kind"
        if task.deadline_ms and self._time.at_ms(self._time.now()) >= task.deadline_ms:
            return FAILED, "too-late"
        outcome = await line.read_state(meter, Priority.READ_NOW)
        return (DONE, "") if outcome is Outcome.ANSWER else (FAILED, outcome.value)
