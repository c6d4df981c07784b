"""Read now, for a selection: the request is sent once, and its page tells of each meter until all have answered."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from prewatt.core.errors import Refusal
from prewatt.office.controls import selectors as controls
from prewatt.office.controls.models import ControlState
from prewatt.office.controls.services import request_read_now
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.base.wake import wake
from prewatt.web.console.estate import badges, meters
from prewatt.web.console.listing.forms import words
from prewatt.web.console.listing.kit import Column, Kind, Listing, Phone

WAITING = (ControlState.WAITING, ControlState.CLAIMED)
FAILED = (ControlState.FAILED, ControlState.UNKNOWN)


@right("meter.read-now")
@require_POST
def ask(request: ConsoleRequest) -> HttpResponseBase:
    """Ask for a fresh reading of the chosen meters. The same key asked again is the same request."""
    chosen = list(meters.listing(request).chosen().filter(retired_at__isnull=True))
    key = request.POST.get("key", "")[:36] or get_random_string(20)
    if not chosen:
        messages.info(request, _("No meter was chosen."))
        return HttpResponseRedirect(reverse("estate:meters"))
    try:
        orders = request_read_now(meters=chosen, key=key, by=request.user, at=request.clock.now())
        wake()
    except Refusal as refusal:
        messages.error(request, words(refusal))
        return HttpResponseRedirect(reverse("estate:meters"))
    return HttpResponseRedirect(reverse("estate:read_now_result", args=[orders[0].pk]))


@right("meter.read-now")
def result(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What became of the request whose first order this is, meter by meter."""
    first = get_object_or_404(controls.orders(request.user), pk=pk)
    # the orders of one request share the moment and the person
    rows = controls.orders(request.user).filter(at=first.at, by=first.by, kind=first.kind).order_by("pk")
    states = list(rows.values_list("state", flat=True))
    waiting, failed = (sum(state in group for state in states) for group in (WAITING, FAILED))
    listing = Listing(
        request,
        rows.select_related("meter__premises", "meter__state", "meter__line"),
        title=_("Read now"),
        columns=_columns(request),
        search=["meter__name", "meter__premises__number"],
        href=lambda row: reverse("estate:meter", args=[row.meter_id]),
        export_name="read-now",
        name="orders",
    )
    context = {
        "listing": listing, "all": len(states), "waiting": waiting, "failed": failed,
        "done": len(states) - waiting - failed, "live": bool(waiting),
        "failed_ids": ",".join(str(pk) for pk in rows.filter(state__in=FAILED).values_list("meter_id", flat=True)),
        "fresh_key": get_random_string(20),
        "said": ngettext("%(n)s meter", "%(n)s meters", len(states)) % {"n": len(states)},
    }  # fmt: skip
    part = request.headers.get("HX-Target") == "read-now"
    if request.headers.get("HX-Target") == "orders-results" or "export" in request.GET:
        return listing.response("console/estate/read_now.html", context)
    return render(request, f"console/estate/{'read_now_part' if part else 'read_now'}.html", context)


def _columns(request: ConsoleRequest) -> list[Column]:
    clock = request.clock
    return [
        Column("meter", _("Meter"), "meter.name", sort=("meter__name",), phone=Phone.TITLE, width=24),
        Column("unit", _("Unit"), "meter.premises.number", sort=("meter__premises__number",)),
        Column("state", _("Result"), lambda row: row.get_state_display(), sort=("state",), cell=_state, width=24),
        Column("energy", _("Energy, kWh"), "meter.state.energy_wh", kind=Kind.ENERGY),
        Column("credit", _("Credit"), "meter.state.credit", kind=Kind.MONEY, phone=Phone.HIDE),
        Column("read", _("Last answer"), "meter.state.last_good_at", kind=Kind.TIME, width=20,
               cell=lambda row: badges.age(getattr(getattr(row.meter, "state", None), "last_good_at", None), clock)),
    ]  # fmt: skip


def _state(row: Any) -> str:
    return badges.order_state(row.state, row.get_state_display(), row.reason)
