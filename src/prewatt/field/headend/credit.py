"""Carries credit to a meter and brings back what the meter shows. It decides nothing: the office does, from evidence.

In one hold of the line: read evidence, ask the office to arm (it commits number and attempt before any byte), send the
one frame the permit allows, read evidence again, tell the office. A frame without its answer is never sent again unless
the office, having seen the evidence, permits one more attempt of the same number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from prewatt.core.evidence import LOG_UNREAD, Evidence
from prewatt.field.bus.driver import Hold, LineLost
from prewatt.field.bus.exchange import ACKNOWLEDGE, BUSY, Outcome, Priority, Question, Reply
from prewatt.field.bus.timing import QUIET_AFTER_MONEY_S
from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.leases import Leases
from prewatt.field.headend.line import Line
from prewatt.field.headend.plant import Plant
from prewatt.field.headend.sitetime import SiteTime
from prewatt.field.headend.store import (
    CreditTask,
    Decision,
    Lease,
    LeaseLost,
    Next,
    Permit,
    Refused,
    Store,
    StoreAway,
)
from prewatt.meters.orders import CreditUnsupported, credit_frame
from prewatt.meters.plan import evidence as evidence_of

log = structlog.get_logger(__name__)

PAUSES_S = (2.0, 5.0, 15.0, 60.0)  # before a silent meter is tried again for an order that is not armed
PERMIT_GOOD_S = 15.0  # from asking for it: well within the worst delay after which the office takes silence for proof
MOST_SENDS = 6  # in one hold of the line; the office stops at five


@dataclass(slots=True)
class _Pause:
    """An order that could not be carried just now."""

    until: float
    failures: int
    meter_id: int


class Carrier:
    """All credit orders under way."""

    def __init__(self, store: Store, plant: Plant, leases: Leases, time: SiteTime, work: Callable[[], None]) -> None:
        self._store = store
        self._plant = plant
        self._leases = leases
        self._time = time
        self._work = work  # look for work again
        self._carrying: dict[int, asyncio.Task[None]] = {}
        self._pauses: dict[int, _Pause] = {}

    async def look(self) -> None:
        """Ask the office what is due and begin to carry it."""
        leases = self._leases.all()
        if not leases:
            return
        tasks = await self._store.due(leases=leases)
        now = self._time.now()
        due = {task.order_id for task in tasks}
        self._pauses = {order: pause for order, pause in self._pauses.items() if order in due}
        for task in tasks:
            pause = self._pauses.get(task.order_id)
            if task.order_id in self._carrying or (pause is not None and now < pause.until):
                continue
            if task.not_before_ms > self._time.at_ms(now):
                self._wake_at(self._time.monotonic_of(task.not_before_ms))
                continue
            found = self._plant.find(task.meter_id)
            lease = self._leases.current(found[0].gateway.gateway_id) if found else None
            if found is None or lease is None or not found[0].machine.up:
                continue
            self._begin(task, found[0], found[1], lease)

    def meter_back(self, meter: Meter) -> None:
        """A meter is in contact again: what waits for it need not wait longer."""
        waiting = [order for order, pause in self._pauses.items() if pause.meter_id == meter.entry.meter_id]
        for order in waiting:
            del self._pauses[order]
        if waiting:
            self._work()

    async def stop(self) -> None:
        """Let go of every line. What was sent is in the office's hands: its evidence is read after the next start."""
        tasks = list(self._carrying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, task: CreditTask, line: Line, meter: Meter, lease: Lease) -> None:
        running = asyncio.get_running_loop().create_task(self._carry(task, line, meter, lease))
        self._carrying[task.order_id] = running
        running.add_done_callback(lambda _: self._carrying.pop(task.order_id, None))

    async def _carry(self, task: CreditTask, line: Line, meter: Meter, lease: Lease) -> None:
        journey = Journey(self._store, self._leases, self._time, line, meter, lease, task)
        try:
            async with line.bus.hold(Priority.MONEY) as hold:
                result = await journey.run(hold)
        except LineLost:
            self._pause(task)
        except LeaseLost:
            self._leases.lost(lease.gateway_id)
        except StoreAway as error:
            log.warning("credit.store-away", order=task.order_id, why=str(error))
        except Exception:
            log.exception("credit.failed", order=task.order_id)
            self._pause(task)
        else:
            await self._finish(task, line, meter, result)

    async def _finish(self, task: CreditTask, line: Line, meter: Meter, result: Decision | Refused | None) -> None:
        match result:
            case None:
                self._pause(task)
            case Refused():
                log.info("credit.not-permitted", order=task.order_id, why=result.reason)
                self._pause(task, self._time.monotonic_of(result.retry_at_ms) if result.retry_at_ms else None)
            case Decision(next=Next.WAIT):
                log.info("credit.wait", order=task.order_id, why=result.reason)
                self._wake_at(self._time.monotonic_of(result.wait_until_ms))
            case Decision():
                log.info("credit.settled", order=task.order_id, next=result.next.value, why=result.reason)
                await line.read_state(meter, Priority.READ_BACK)
                self._work()

    def _pause(self, task: CreditTask, until: float | None = None) -> None:
        before = self._pauses.get(task.order_id)
        failures = before.failures + 1 if before else 0
        pause_s = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
        moment = self._time.now() + pause_s if until is None else until
        self._pauses[task.order_id] = _Pause(moment, failures, task.meter_id)
        self._wake_at(moment)

    def _wake_at(self, moment: float) -> None:
        self._time.call_at(moment, self._work)


class Journey:
    """One order, one hold of the line."""

    def __init__(
        self, store: Store, leases: Leases, time: SiteTime, line: Line, meter: Meter, lease: Lease, task: CreditTask
    ) -> None:
        self._store = store
        self._leases = leases
        self._time = time
        self._line = line
        self._meter = meter
        self._lease = lease
        self._task = task
        self._known = meter.serial or meter.entry.serial
        self._unanswered = False
        self._asked_at = time.now()  # for the last permit

    async def run(self, hold: Hold) -> Decision | Refused | None:
        """Carry it. None when the meter did not answer and nothing was armed."""
        evidence = await self._evidence(hold)
        if self._task.probe:
            decision = await self._observe(hold, evidence)
            if decision.next is not Next.AGAIN:
                return decision
            leave = await self._retry(evidence)
        elif self._unanswered:
            return None
        else:
            self._asked_at = self._time.now()
            leave = await self._store.arm(order_id=self._task.order_id, lease=self._lease, evidence=evidence)
        for _ in range(MOST_SENDS):
            if isinstance(leave, Refused):
                return leave
            evidence = await self._send(hold, leave)
            decision = await self._observe(hold, evidence)
            if decision.next is not Next.AGAIN:
                return decision
            leave = await self._retry(evidence)
        return None

    async def _send(self, hold: Hold, permit: Permit) -> Evidence:
        """The one frame of a permit, and what the meter shows after it."""
        self._known = permit.serial or self._known
        question = self._frame(permit)
        if question is None:
            return await self._evidence(hold, refused=True)
        reply = await self._line.ask_held(hold, self._meter, question, lambda: self._allowed(permit))
        log.info("credit.sent", order=permit.order_id, attempt=permit.attempt, n=permit.n, outcome=reply.outcome.value)
        if reply.sent and not reply.answered:
            hold.rest(QUIET_AFTER_MONEY_S)
        return await self._evidence(hold, refused=_refuses(reply))

    def _frame(self, permit: Permit) -> Question | None:
        assert permit.meter_id == self._meter.entry.meter_id, "a permit is for one meter"
        assert permit.order_id == self._task.order_id, "a permit is for one order"
        try:
            exchange = credit_frame(
                self._meter.profile, self._meter.unit, n=permit.n, amount=permit.amount
            )  # fmt: skip
        except CreditUnsupported as error:
            log.warning("credit.unsupported", order=permit.order_id, why=str(error))
            return None
        return Question(
            exchange.frame, self._line.timing, exchange.block, exchange.framing, exchange.reply_length
        )  # fmt: skip

    def _allowed(self, permit: Permit) -> bool:
        """At the moment of the first byte: is the permit fresh, and its lease still ours?

        Whoever slept on a permit may wake up when the order was given up, paid back, and its number given to another.
        """
        lease = self._leases.current(self._lease.gateway_id)
        fresh = self._time.now() - self._asked_at <= PERMIT_GOOD_S
        return fresh and lease is not None and lease.token == permit.lease_token

    async def _evidence(self, hold: Hold, *, refused: bool = False, log_too: bool = False) -> Evidence:
        """Back to back reads. What does not answer is None; after the first silence the rest is not asked."""
        bodies: dict[str, bytes] = {}
        self._unanswered = False
        for question in self._meter.proof_with_log if log_too else self._meter.evidence:
            reply = await self._line.ask_held(hold, self._meter, question)
            if not reply.answered:
                self._unanswered = True
                bodies.clear()
                break
            if reply.outcome is Outcome.ANSWER:
                bodies[question.name] = reply.body
        if not self._unanswered:
            self._line.learned(self._meter, bodies)
        at = self._time.at_ms(self._time.now()) / 1000
        return evidence_of(self._meter.profile, bodies, refused=refused, at=at, known=self._known)

    async def _observe(self, hold: Hold, evidence: Evidence) -> Decision:
        """Report; when only the meter's own purchase log can tell, read that too and report again."""
        decision = await self._store.observe(order_id=self._task.order_id, lease=self._lease, evidence=evidence)
        if decision.next is Next.WAIT and decision.reason == LOG_UNREAD and not evidence.records:
            evidence = await self._evidence(hold, refused=evidence.refused, log_too=True)
            if evidence.records:
                decision = await self._store.observe(order_id=self._task.order_id, lease=self._lease, evidence=evidence)
        return decision

    async def _retry(self, evidence: Evidence) -> Permit | Refused:
        self._asked_at = self._time.now()
        return await self._store.retry(order_id=self._task.order_id, lease=self._lease, evidence=evidence)


def _refuses(reply: Reply) -> bool:
    """The meter itself said no to this frame; "busy" and "later" are no answer to it."""
    return reply.outcome is Outcome.REFUSED and reply.exception not in (ACKNOWLEDGE, BUSY)
