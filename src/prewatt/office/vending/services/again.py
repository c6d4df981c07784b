"""Sending an order again that the meter refused, after a person looked at the cause."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from prewatt.core.money import Money
from prewatt.office.operators.log import record
from prewatt.office.operators.models import Operator
from prewatt.office.vending import errors
from prewatt.office.vending.models import CreditOrder, OrderState
from prewatt.office.vending.services import events
from prewatt.office.vending.services.scope import check_scope


@transaction.atomic
def again(*, order: CreditOrder, by: Operator, at: datetime) -> CreditOrder:
    """Queue a refused order again. It is armed anew from what the meter then shows.

    Raises Refusal: outside-scope, not-refused.
    """
    fresh = CreditOrder.objects.select_for_update(of=("self",)).select_related("agreement__premises").get(pk=order.pk)
    check_scope(fresh, by)
    if fresh.state != OrderState.REFUSED:
        raise errors.not_refused()
    try:
        events.move(
            fresh,
            OrderState.QUEUED,
            at=at,
            by=by,
            reason="again",
            due_at=None,
            settled_at=None,
            contradicted_at=None,
            sends=0,
            sends_before=fresh.sends_before + fresh.sends,
        )
    except events.Overtaken:
        raise errors.not_refused() from None
    record(by=by, at=at, action="vend.again", subject=fresh.number, summary=str(Money(fresh.requested_fen)))
    return fresh
