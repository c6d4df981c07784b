"""Cancelling an order that never reached the meter: the money goes back the way it came, by new entries."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from prewatt.core.evidence import Finding
from prewatt.core.money import Money
from prewatt.office.ledger.models import AccountKind
from prewatt.office.ledger.services import post, transfer
from prewatt.office.operators.log import record
from prewatt.office.operators.models import Operator
from prewatt.office.vending import errors
from prewatt.office.vending.models import CreditOrder, OrderState
from prewatt.office.vending.services import events
from prewatt.office.vending.services.scope import check_scope

PATH_WORST_DELAY = timedelta(seconds=60)  # how long a gateway may hold a frame back


@transaction.atomic
def cancel_queued(*, order: CreditOrder, by: Operator, at: datetime) -> CreditOrder:
    """Cancel an order that waits, or that the meter refused once a later read proved that nothing arrived.

    Raises Refusal: outside-scope, not-cancellable, not-proven-unapplied.
    """
    fresh = (
        CreditOrder.objects.select_for_update(of=("self",))
        .select_related("counter", "agreement__premises")
        .get(pk=order.pk)
    )
    check_scope(fresh, by)
    if fresh.state not in (OrderState.QUEUED, OrderState.REFUSED):
        raise errors.not_cancellable()
    if fresh.sends + fresh.sends_before and not proven_unapplied(fresh):
        raise errors.not_proven_unapplied()
    try:
        events.move(fresh, OrderState.CANCELLED, at=at, by=by, reason="cancelled", settled_at=at, due_at=None)
    except events.Overtaken:
        raise errors.not_cancellable() from None
    prefix = fresh.counter.prefix if fresh.counter else ""
    post(
        at=at,
        kind="cancel",
        subject=fresh.number,
        by=by,
        lines=transfer(
            debit=(AccountKind.PENDING, str(fresh.meter_id)),
            credit=(AccountKind.CASH, f"{prefix}/{fresh.method}"),
            amount=Money(fresh.requested_fen),
        ),
    )
    record(by=by, at=at, action="vend.cancel", subject=fresh.number, summary=str(Money(fresh.requested_fen)))
    return fresh


def proven_unapplied(order: CreditOrder) -> bool:
    """Whether a read after the path's worst delay showed the meter without this order."""
    last = order.attempts.order_by("-number").first()
    if last is None:
        return True
    clear = order.observations.filter(
        at__gte=last.at + PATH_WORST_DELAY, finding__in=(Finding.NOT_APPLIED, Finding.REFUSED)
    )
    return clear.exists()
