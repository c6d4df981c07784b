"""Transitions of an order: a conditional update that tells who won, and the event that stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prewatt.office.operators.models import Operator
from prewatt.office.vending.models import CreditEvent, CreditOrder, Observation, OrderState

# state -> states it may leave for; PAID and UNALLOCATED come with payment channels
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    OrderState.QUEUED: frozenset({OrderState.UNKNOWN, OrderState.CANCELLED}),
    OrderState.UNKNOWN: frozenset({OrderState.DELIVERED, OrderState.REFUSED, OrderState.QUARANTINE}),
    # a frame that a gateway held back may still arrive: the confirming read says so
    OrderState.REFUSED: frozenset(
        {OrderState.QUEUED, OrderState.CANCELLED, OrderState.DELIVERED, OrderState.QUARANTINE}
    ),
    OrderState.DELIVERED: frozenset(),
    OrderState.QUARANTINE: frozenset(),
    OrderState.CANCELLED: frozenset(),
}


class Overtaken(Exception):
    """Somebody else changed the order first; the transaction is rolled back and nothing was done."""


def change(order: CreditOrder, **values: Any) -> None:
    """Update an order as it was read: same state, same lease token, same number of events. Raises Overtaken.

    ``order`` then carries the new values.
    """
    changed = CreditOrder.objects.filter(
        pk=order.pk, state=order.state, lease_token=order.lease_token, sends=order.sends, events_made=order.events_made
    ).update(**values)
    if changed != 1:
        raise Overtaken(order.number)
    for name, value in values.items():
        setattr(order, name, value)


def move(
    order: CreditOrder,
    to: OrderState,
    *,
    at: datetime,
    reason: str,
    by: Operator | None = None,
    lease_token: int | None = None,
    observation: Observation | None = None,
    **values: Any,
) -> None:
    """Take an order to another state and write the event. Raises Overtaken.

    ``lease_token`` is that of the head-end whose verb it is; None when a person did it.
    """
    before = OrderState(order.state)
    if lease_token is not None:
        values["lease_token"] = lease_token
    assert to in TRANSITIONS[before], (order.number, before, to)
    change(order, state=to, reason=reason, events_made=order.events_made + 1, **values)
    CreditEvent.objects.create(
        order=order,
        seq=order.events_made,
        at=at,
        from_state=before,
        to_state=to,
        by=by,
        lease_token=lease_token,
        observation=observation,
        reason=reason,
    )


def first(order: CreditOrder, *, at: datetime, by: Operator | None) -> None:
    """The event of an order that was just made."""
    CreditEvent.objects.create(order=order, seq=order.events_made, at=at, to_state=order.state, by=by, reason="sold")


__all__ = ["TRANSITIONS", "Overtaken", "change", "first", "move"]
