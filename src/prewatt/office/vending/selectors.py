"""Orders, papers and sums, as far as an operator may see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from prewatt.core.evidence import ALARM_AFTER_S
from prewatt.core.money import Money
from prewatt.office.estate.models import Meter
from prewatt.office.estate.selectors import scope_groups, site
from prewatt.office.operators.models import Operator
from prewatt.office.vending.models import Counter, CreditOrder, OrderState, Purse, Receipt

RELATED = ("agreement__customer", "agreement__premises", "meter", "counter", "by")
WAITING_LONG = timedelta(seconds=ALARM_AFTER_S)
UNSETTLED = (OrderState.QUEUED, OrderState.UNKNOWN, OrderState.REFUSED)


def orders(operator: Operator) -> QuerySet[CreditOrder]:
    """Orders of visible units, newest first."""
    found = CreditOrder.objects.select_related(*RELATED).order_by("-at", "-pk")
    return found.filter(_within(operator))


def order(operator: Operator, number: str) -> CreditOrder:
    """One order by its number. Raises CreditOrder.DoesNotExist."""
    return orders(operator).get(number=number)


def receipts(operator: Operator) -> QuerySet[Receipt]:
    """Papers of visible units, newest first."""
    found = Receipt.objects.select_related("order__agreement__premises", "order__agreement__customer", "counter")
    return found.filter(_within(operator, "order__")).order_by("-at", "-pk")


def receipt(operator: Operator, number: str) -> Receipt:
    """One paper by its number. Raises Receipt.DoesNotExist."""
    return receipts(operator).get(number=number)


def papers(order: CreditOrder) -> dict[str, Receipt]:
    """Both papers of an order by kind ("money", "proof"), as far as they exist."""
    return {one.kind: one for one in order.receipts.all()}


def purchases(meter: Meter) -> QuerySet[CreditOrder]:
    """All orders of a meter, newest first. ``meter`` must come from a selector that checked the operator."""
    return CreditOrder.objects.filter(meter=meter).select_related(*RELATED).order_by("-at", "-pk")


def journey(order: CreditOrder) -> list[dict[str, Any]]:
    """The events of an order in time: what happened, when, and what the meter showed at that moment."""
    rows = order.events.select_related("by", "observation").order_by("seq")
    return [
        {
            "at": event.at,
            "state": event.to_state,
            "reason": event.reason,
            "by": event.by.name if event.by else "",
            "count": event.observation.count if event.observation else None,
            "total": event.observation.total if event.observation else None,
            "remaining": event.observation.remaining if event.observation else None,
        }
        for event in rows
    ]


def waiting(operator: Operator, *, at: datetime) -> QuerySet[CreditOrder]:
    """What needs a person: refused, in quarantine, a stopped purse, or unproven for 15 minutes; oldest first."""
    stopped = Purse.objects.exclude(stop_reason="").values("meter")
    long_ago = at - WAITING_LONG
    needs = (
        Q(state__in=(OrderState.REFUSED, OrderState.QUARANTINE))
        | Q(state=OrderState.QUEUED, meter__in=stopped)
        | Q(state=OrderState.UNKNOWN, armed_at__lte=long_ago)
        | Q(state=OrderState.QUEUED, at__lte=long_ago)
    )
    return orders(operator).filter(needs).order_by("at", "pk")


def is_alarming(order: CreditOrder, *, at: datetime) -> bool:
    """Whether an order has been unproven for so long that a person should know. It settles nothing."""
    since = order.armed_at if order.state == OrderState.UNKNOWN else order.at
    return order.state in UNSETTLED and since is not None and at - since >= WAITING_LONG


@dataclass(frozen=True, slots=True)
class SalesTotals:
    """Sales of a span of time: taken, proven on the meter, and on the way."""

    count: int
    sold: Money
    delivered: Money
    pending: Money


def sales(operator: Operator, *, start: datetime, end: datetime) -> SalesTotals:
    """Totals of the sales of visible units made in [start, end); cancelled ones do not count."""
    rows = CreditOrder.objects.filter(_within(operator), at__gte=start, at__lt=end)
    rows = rows.exclude(state=OrderState.CANCELLED)

    def fen(*states: OrderState) -> Coalesce:
        return Coalesce(Sum("requested_fen", filter=Q(state__in=states)), 0)

    found = rows.aggregate(
        count=Count("pk"), sold=Coalesce(Sum("requested_fen"), 0),
        delivered=fen(OrderState.DELIVERED), pending=fen(*UNSETTLED),
    )  # fmt: skip
    return SalesTotals(found["count"], Money(found["sold"]), Money(found["delivered"]), Money(found["pending"]))


def sales_today(operator: Operator, *, at: datetime) -> SalesTotals:
    """Totals since midnight of the site."""
    local = at.astimezone(ZoneInfo(site().time_zone))
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return sales(operator, start=start, end=at + timedelta(seconds=1))


def pending_fen(meters: Iterable[int]) -> dict[int, int]:
    """Money on its way to each of these meters (ids)."""
    rows = CreditOrder.objects.filter(meter__in=list(meters), state__in=UNSETTLED).values_list("meter")
    return dict(rows.annotate(fen=Sum("requested_fen")).order_by())


def counters() -> QuerySet[Counter]:
    """All tills."""
    return Counter.objects.order_by("prefix")


def purse(meter: Meter) -> Purse | None:
    """The purse last observed at a meter."""
    return Purse.objects.filter(meter=meter).order_by("-pk").first()


def _within(operator: Operator, prefix: str = "") -> Q:
    scope = scope_groups(operator)
    return Q() if scope is None else Q(**{f"{prefix}agreement__premises__group__in": list(scope)})
