"""What the head-end should carry now: orders that wait to be armed, and those whose next read-back is due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, Q, QuerySet

from prewatt.office.vending.models import CreditOrder, OrderState
from prewatt.office.vending.services.leases import Claim, current, on_battery


@dataclass(frozen=True, slots=True)
class Task:
    """An order to carry. ``probe``: only evidence is wanted."""

    order_id: int
    meter_id: int
    probe: bool
    not_before: datetime


def due(*, claims: Iterable[Claim], at: datetime) -> list[Task]:
    """At most one task a meter, the oldest order first; nothing else of a meter while one order is being proven."""
    if not _open().exists():  # nearly always: the many leases of a large site need not be compared
        return []
    gateways = [one.gateway_id for one in current(claims, at=at)]
    rows = _open().filter(meter__line__gateway__in=gateways).order_by("at", "pk")
    chosen: dict[int, tuple[bool, Task]] = {}
    for pk, meter_id, state, due_at in rows.values_list("pk", "meter_id", "state", "due_at"):
        probe = state != OrderState.QUEUED
        if meter_id not in chosen or (probe and not chosen[meter_id][1].probe):
            ready = due_at is None or due_at <= at
            chosen[meter_id] = ready, Task(pk, meter_id, probe, due_at or at)
    return [task for ready, task in chosen.values() if ready]


def work_waiting(*, at: datetime) -> bool:
    """Whether any order is due, for whoever pushes "there is work"."""
    return _open().filter(Q(due_at__isnull=True) | Q(due_at__lte=at)).exists()


def _open() -> QuerySet[CreditOrder]:
    """Orders to carry. From a battery only what is open is finished."""
    waiting = Q(state=OrderState.QUEUED) & ~Exists(on_battery())
    confirming = Q(state=OrderState.REFUSED, due_at__isnull=False)
    return CreditOrder.objects.filter(waiting | Q(state=OrderState.UNKNOWN) | confirming)
