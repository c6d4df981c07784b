"""Control orders as far as an operator may see the meters."""

from __future__ import annotations

from django.db.models import QuerySet

from prewatt.office.controls.models import ControlOrder, ControlState
from prewatt.office.estate.models import Meter
from prewatt.office.estate.selectors import meters as visible_meters
from prewatt.office.operators.models import Operator

OPEN = (ControlState.WAITING, ControlState.CLAIMED)


def orders(operator: Operator) -> QuerySet[ControlOrder]:
    """Orders of visible meters, newest first."""
    found = ControlOrder.objects.filter(meter__in=visible_meters(operator, retired=True))
    return found.select_related("meter", "by").order_by("-pk")


def latest(meter: Meter) -> ControlOrder | None:
    """The newest order of a meter, which must come from a selector that checked the operator."""
    return ControlOrder.objects.filter(meter=meter).select_related("by").order_by("-pk").first()


def is_reading(meter: Meter) -> bool:
    """Whether a reading asked for is still on its way."""
    return ControlOrder.objects.filter(meter=meter, state__in=OPEN).exists()
