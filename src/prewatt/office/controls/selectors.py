"""Control orders and work orders as far as an operator may see the meters, gateways and lines."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from prewatt.office.controls.models import ControlKind, ControlOrder, ControlState, WorkOrder
from prewatt.office.estate.models import Meter
from prewatt.office.estate.selectors import gateways as visible_gateways
from prewatt.office.estate.selectors import lines as visible_lines
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


def scans(operator: Operator) -> QuerySet[ControlOrder]:
    """Scans of visible lines, newest first."""
    found = ControlOrder.objects.filter(kind=ControlKind.SCAN, line__in=visible_lines(operator, retired=True))
    return found.select_related("line__gateway", "by").order_by("-pk")


def reconnects(operator: Operator) -> QuerySet[ControlOrder]:
    """Wishes to call visible gateways anew, newest first."""
    seen = visible_gateways(operator, retired=True)
    return ControlOrder.objects.filter(kind=ControlKind.RECONNECT, gateway__in=seen).order_by("-pk")


def work_orders(operator: Operator) -> QuerySet[WorkOrder]:
    """Work at visible meters and gateways."""
    at_meter = Q(meter__in=visible_meters(operator, retired=True))
    at_gateway = Q(gateway__in=visible_gateways(operator, retired=True))
    found = WorkOrder.objects.filter(at_meter | at_gateway)
    return found.select_related("meter__line__gateway", "meter__premises", "gateway", "opened_by", "closed_by")
