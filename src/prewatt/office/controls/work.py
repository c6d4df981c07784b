"""Work orders: somebody is sent to a silent meter or gateway, and tells what was found."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from prewatt.core.errors import Refusal
from prewatt.office.controls.models import WorkOrder
from prewatt.office.controls.selectors import work_orders
from prewatt.office.estate.models import Gateway, Meter
from prewatt.office.estate.selectors import gateways as visible_gateways
from prewatt.office.estate.selectors import meters as visible_meters
from prewatt.office.operators.errors import FormRefusal, Problem
from prewatt.office.operators.log import record
from prewatt.office.operators.models import Operator

REQUIRED = Problem(_("This field is needed."))
OUTSIDE = ("outside-scope", "This lies outside the part of the building that you work for.")


@transaction.atomic
def open_work_order(*, at_thing: Meter | Gateway, person: str, note: str, by: Operator, at: datetime) -> WorkOrder:
    """Send somebody to a meter or a gateway. One open order for each. Raises Refusal, FormRefusal."""
    meter = at_thing if isinstance(at_thing, Meter) else None
    gateway = at_thing if isinstance(at_thing, Gateway) else None
    seen = visible_meters(by) if meter is not None else visible_gateways(by)
    if not seen.filter(pk=at_thing.pk).exists():
        raise Refusal(*OUTSIDE)
    if not person.strip():
        raise FormRefusal({"person": REQUIRED})
    if WorkOrder.objects.filter(meter=meter, gateway=gateway, closed_at__isnull=True).exists():
        raise Refusal("work-open", _("There is an open work order for this already. Close that one first."))
    order = WorkOrder(
        meter=meter, gateway=gateway, person=person.strip()[:60], note=note.strip()[:300], opened_at=at, opened_by=by
    )
    order.save(force_insert=True)
    record(by=by, at=at, action="work.open", subject=at_thing.name, summary=order.person, data={"order": order.pk})
    return order


@transaction.atomic
def close_work_order(*, order: WorkOrder, result: str, by: Operator, at: datetime) -> WorkOrder:
    """Say what was found and done. Raises Refusal, FormRefusal."""
    if not work_orders(by).filter(pk=order.pk).exists():
        raise Refusal(*OUTSIDE)
    if not result.strip():
        raise FormRefusal({"result": REQUIRED})
    open_one = WorkOrder.objects.filter(pk=order.pk, closed_at__isnull=True)
    if not open_one.update(result=result.strip()[:300], closed_at=at, closed_by=by):
        raise Refusal("work-closed", _("This work order was closed already."))
    closed = WorkOrder.objects.select_related("meter", "gateway").get(pk=order.pk)
    thing = closed.meter or closed.gateway
    record(
        by=by, at=at, action="work.close", subject=thing.name if thing else "", summary=closed.result[:80],
        data={"order": closed.pk},
    )  # fmt: skip
    return closed
