"""The office's side of the store's Protocols, synchronous: field values in, field values out, one verb one booking.

The store process runs these in one thread behind its socket; a test or a storm calls them as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prewatt.core.clock import Clock
from prewatt.core.evidence import Evidence
from prewatt.field.headend.store import (
    Batch,
    ControlTask,
    CreditTask,
    Decision,
    Found,
    Lease,
    LeaseLost,
    Next,
    Permit,
    Refused,
    RosterData,
)
from prewatt.main import roster
from prewatt.office.controls import line_services
from prewatt.office.controls import services as controls
from prewatt.office.readings.ingest import ingest
from prewatt.office.vending.services import delivery

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Site epoch milliseconds."""
    return (at - EPOCH) // MILLISECOND


class Verbs:
    """Every verb of Roster, Readings, Controls and Credit. Raises LeaseLost as they promise."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_name: dict[str, Callable[..., Any]] = {
            "roster": self.roster, "lease": self.lease, "ingest": self.ingest, "claim": self.claim,
            "progress": self.progress, "done": self.done, "due": self.due, "arm": self.arm, "retry": self.retry,
            "observe": self.observe,
        }  # fmt: skip

    def call(self, verb: str, arguments: dict[str, Any]) -> Any:
        """Run a verb by its name."""
        return self._by_name[verb](**arguments)

    def roster(self, *, known: int) -> RosterData | None:
        return roster.read(known=known)

    def lease(self, *, holder: str, take_over: bool) -> list[Lease]:
        granted = delivery.lease(holder=holder, take_over=take_over, at=self._clock.now())
        return [Lease(one.gateway_id, one.holder, one.token, to_ms(one.expires)) for one in granted]

    def ingest(self, batch: Batch) -> None:
        ingest(
            rows=batch.rows,
            contacts=batch.contacts,
            frames=batch.frames,
            counters=batch.counters,
            identities=batch.identities,
        )

    def claim(self, *, leases: Sequence[Lease], limit: int) -> list[ControlTask]:
        if not controls.any_open():
            return []
        at = self._clock.now()
        current = delivery.current([_claim(lease) for lease in leases], at=at)
        orders = controls.claim(leases=[(one.gateway_id, one.token) for one in current], limit=limit, at=at)
        return [
            ControlTask(
                one.pk, one.meter_id or 0, one.kind, one.body, to_ms(one.deadline), one.gateway_id or 0,
                one.line_id or 0,
            )
            for one in orders
        ]  # fmt: skip

    def progress(self, *, order_id: int, lease: Lease, asked: int, found: Sequence[Found]) -> bool:
        go_on = line_services.progress(order_id=order_id, token=lease.token, asked=asked, found=found)
        if go_on is None:
            raise LeaseLost(f"control order {order_id} is no longer claimed under token {lease.token}")
        return go_on

    def done(self, *, order_id: int, lease: Lease, outcome: str, reason: str) -> None:
        at = self._clock.now()
        if not controls.done(order_id=order_id, token=lease.token, outcome=outcome, reason=reason, at=at):
            raise LeaseLost(f"control order {order_id} is no longer claimed under token {lease.token}")

    def due(self, *, leases: Sequence[Lease]) -> list[CreditTask]:
        tasks = delivery.due(claims=[_claim(lease) for lease in leases], at=self._clock.now())
        return [CreditTask(one.order_id, one.meter_id, one.probe, to_ms(one.not_before)) for one in tasks]

    def arm(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        return self._leave(delivery.arm, order_id, lease, evidence)

    def retry(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        return self._leave(delivery.retry, order_id, lease, evidence)

    def observe(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Decision:
        try:
            told = delivery.observe(
                order_id=order_id, claim=_claim(lease), evidence=evidence, at=self._clock.now()
            )  # fmt: skip
        except delivery.LeaseLost as error:
            raise LeaseLost(str(error)) from error
        return Decision(Next(told.step), to_ms(told.wait_until) if told.wait_until else 0, told.reason)

    def work_waiting(self) -> bool:
        """Whether a head-end should look."""
        at = self._clock.now()
        return delivery.work_waiting(at=at) or controls.work_waiting(at=at)

    def _leave(
        self, verb: Callable[..., delivery.Grant | delivery.NoGrant], order_id: int, lease: Lease, evidence: Evidence
    ) -> Permit | Refused:
        try:
            told = verb(order_id=order_id, claim=_claim(lease), evidence=evidence, at=self._clock.now())
        except delivery.LeaseLost as error:
            raise LeaseLost(str(error)) from error
        if isinstance(told, delivery.NoGrant):
            return Refused(told.order_id, told.reason, to_ms(told.retry_at) if told.retry_at else 0)
        return Permit(
            order_id=told.order_id,
            meter_id=told.meter_id,
            attempt=told.attempt,
            serial=told.serial,
            n=told.n,
            amount=told.amount,
            lease_token=told.token,
        )


def _claim(lease: Lease) -> delivery.Claim:
    return delivery.Claim(lease.gateway_id, lease.holder, lease.token)
