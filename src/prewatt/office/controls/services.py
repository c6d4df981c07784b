"""Control orders: asked for at the console, claimed by the head-end that leads the gateway, reported once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q

from prewatt.core.errors import Refusal
from prewatt.office.controls.models import ControlKind, ControlOrder, ControlState
from prewatt.office.estate.models import Meter
from prewatt.office.estate.selectors import meters as visible_meters
from prewatt.office.operators.log import record
from prewatt.office.operators.models import Operator

READ_NOW_WITHIN = timedelta(minutes=2)
KEY_LENGTH = 64
OUTCOMES = {"done": ControlState.DONE, "failed": ControlState.FAILED, "unknown": ControlState.UNKNOWN}
OPEN = (ControlState.WAITING, ControlState.CLAIMED)
REASON_LENGTH = 60


@transaction.atomic
def request_read_now(*, meters: Sequence[Meter], key: str, by: Operator | None, at: datetime) -> list[ControlOrder]:
    """Ask for a reading of these meters before the sweep. The same key gives the same orders.

    Raises Refusal outside-scope. An order lapses after READ_NOW_WITHIN: a late reading is nobody's wish any more.
    """
    wanted = list({meter.pk: meter for meter in meters}.values())
    if by is not None and visible_meters(by).filter(pk__in=[meter.pk for meter in wanted]).count() != len(wanted):
        raise Refusal("outside-scope", "This lies outside the part of the building that you work for.")
    keys = {_key(key, meter): meter for meter in wanted}
    told = {order.key: order for order in ControlOrder.objects.filter(key__in=keys)}
    fresh = [
        ControlOrder(key=own, meter=meter, kind=ControlKind.READ_NOW, by=by, at=at, deadline=at + READ_NOW_WITHIN)
        for own, meter in keys.items()
        if own not in told
    ]
    ControlOrder.objects.bulk_create(fresh, ignore_conflicts=True)
    if fresh:
        names = ", ".join(order.meter.name for order in fresh[:5] if order.meter is not None)
        record(by=by, at=at, action="meter.read-now", subject=names, data={"meters": len(fresh)})
    return list(ControlOrder.objects.filter(key__in=keys).select_related("meter").order_by("pk"))


def claim(*, leases: Iterable[tuple[int, int]], limit: int, at: datetime) -> list[ControlOrder]:
    """Take waiting orders of the gateways in ``leases``, pairs of gateway and token that the caller has checked.

    One that was claimed under an older token is waiting again: whoever held it is gone.
    """
    tokens = dict(leases)
    with transaction.atomic():
        ControlOrder.objects.filter(state__in=OPEN, deadline__lte=at).update(
            state=ControlState.FAILED, reason="too-late", finished_at=at
        )
        of_these = Q(meter__line__gateway__in=tokens) | Q(gateway__in=tokens)
        found = ControlOrder.objects.filter(of_these).filter(_free(tokens))
        orders = list(found.select_related("meter__line").order_by("pk")[:limit])
        return [order for order in orders if _take(order, tokens[order.gateway_number], at)]


def _free(tokens: dict[int, int]) -> Q:
    free = Q(state=ControlState.WAITING)
    for gateway, token in tokens.items():
        stale = Q(state=ControlState.CLAIMED, claimed_token__lt=token)
        free |= stale & (Q(meter__line__gateway=gateway) | Q(gateway=gateway))
    return free


def _take(order: ControlOrder, token: int, at: datetime) -> bool:
    before = ControlOrder.objects.filter(pk=order.pk, state=order.state, claimed_token=order.claimed_token)
    return before.update(state=ControlState.CLAIMED, claimed_token=token, claimed_at=at) == 1


def done(*, order_id: int, token: int, outcome: str, reason: str, at: datetime) -> bool:
    """Report a claimed order: "done", "failed" or "unknown". False when another holder has it now."""
    claimed = ControlOrder.objects.filter(pk=order_id, state=ControlState.CLAIMED, claimed_token=token)
    return claimed.update(state=OUTCOMES[outcome], reason=reason[:REASON_LENGTH], finished_at=at) == 1


def any_open() -> bool:
    """Whether any order waits or is under way: nearly never, and then a head-end's every look costs one small query."""
    return ControlOrder.objects.filter(state__in=OPEN).exists()


def work_waiting(*, at: datetime) -> bool:
    """Whether any order waits to be claimed."""
    return ControlOrder.objects.filter(state=ControlState.WAITING, deadline__gt=at).exists()


def _key(key: str, meter: Meter) -> str:
    """One key for each meter of a request; a request's own key may be as long as it likes."""
    return sha256(f"{key}|{meter.pk}".encode()).hexdigest()[:KEY_LENGTH]
