"""Who is out of contact: meters (F26) and gateways (F27), since when, what was tried, who is affected."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from prewatt.core.errors import Refusal
from prewatt.core.supply import Contact
from prewatt.office.controls.line_services import request_reconnect
from prewatt.office.controls.models import ControlKind, ControlOrder, ControlState, WorkOrder
from prewatt.office.controls.services import request_read_now
from prewatt.office.customers.models import AgreementMeter
from prewatt.office.estate import selectors as estate
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.base.wake import wake
from prewatt.web.console.estate import badges
from prewatt.web.console.listing.forms import words as said
from prewatt.web.console.listing.kit import Action, Choice, Column, Empty, Kind, Listing, Phone
from prewatt.web.console.network import words
from prewatt.web.console.network.common import asked_key, response, work_cell, work_filter


@right("network.view")
@require_safe
def meters(request: ConsoleRequest) -> HttpResponse:
    """Meters that do not answer although their gateway does."""
    return response(request, _meters(request), "meters")


@right("network.view")
@require_safe
def gateways(request: ConsoleRequest) -> HttpResponse:
    """Gateways that cannot be reached, or behind which everybody is silent."""
    return response(request, _gateways(request), "gateways")


@right("meter.read-now")
@require_POST
def read_now(request: ConsoleRequest) -> HttpResponseBase:
    """Ask the chosen meters at once, not after the pause they have been given."""
    chosen = list(_meters(request).chosen())
    if not chosen:
        messages.info(request, _("No meter was chosen."))
        return HttpResponseRedirect(reverse("network:silent"))
    try:
        orders = request_read_now(meters=chosen, key=asked_key(request), by=request.user, at=request.clock.now())
        wake()
    except Refusal as refusal:
        messages.error(request, said(refusal))
        return HttpResponseRedirect(reverse("network:silent"))
    return HttpResponseRedirect(reverse("estate:read_now_result", args=[orders[0].pk]))


@right("network.scan")
@require_POST
def reconnect(request: ConsoleRequest) -> HttpResponseBase:
    """Call the chosen gateways at once, not after the pause between two tries."""
    chosen = list(_gateways(request).chosen())
    key = asked_key(request)
    try:
        for gateway in chosen:
            request_reconnect(gateway=gateway, key=key, by=request.user, at=request.clock.now())
        wake()
    except Refusal as refusal:
        messages.error(request, said(refusal))
    else:
        count = {"n": len(chosen)}
        text = ngettext("%(n)s gateway is being called.", "%(n)s gateways are being called.", len(chosen)) % count
        messages.success(request, text) if chosen else messages.info(request, _("No gateway was chosen."))
    return HttpResponseRedirect(reverse("network:silent_gateways"))


# -- meters -----------------------------------------------------------------------------------------------------------


def _meters(request: ConsoleRequest) -> Listing:
    bound = AgreementMeter.objects.filter(
        meter=OuterRef("pk"), unbound_at__isnull=True, agreement__closed_at__isnull=True
    )
    open_work = WorkOrder.objects.filter(meter=OuterRef("pk"), closed_at__isnull=True)
    rows = estate.meters(request.user).filter(state__contact=Contact.OUT).select_related("state").annotate(
        customer=Subquery(bound.values("agreement__customer__name")[:1]),
        work=Subquery(open_work.values("pk")[:1]),
        work_person=Subquery(open_work.values("person")[:1]),
    )  # fmt: skip
    lines = estate.lines(request.user).filter(meters__state__contact=Contact.OUT).distinct().order_by("name")
    may_read = "meter.read-now" in request.rights
    return Listing(
        request,
        rows,
        title=_("Meters out of contact"),
        columns=_meter_columns(request),
        filters=[Choice("line", _("Line"), [(line.pk, line.name) for line in lines], "line"), work_filter()],
        search=["name", "premises__number", "serial", "cabinet", "line__name"],
        search_hint=_("Unit, meter, serial, cabinet or line"),
        sort="since",
        href=(lambda row: reverse("estate:meter", args=[row.pk])) if "estate.view" in request.rights else None,
        export_name="meters-out-of-contact",
        actions=[Action(reverse("network:silent_read_now"), _("Reconnect now"), "plug-connected")] if may_read else [],
        empty=Empty(_("Every meter answers"), _("A meter is listed here after three failed rounds."), "circle-check"),
    )


def _meter_columns(request: ConsoleRequest) -> list[Column]:
    clock = request.clock
    columns = [
        Column("name", _("Meter"), "name", sort=("name",), phone=Phone.TITLE, width=24,
               cell=lambda row: badges.below(row.name, row.serial)),
        Column("since", _("Since"), "state.contact_since", kind=Kind.TIME, sort=("state__contact_since",), width=20,
               cell=lambda row: badges.age(row.state.contact_since, clock)),
        Column("good", _("Last good answer"), "state.last_good_at", kind=Kind.TIME, sort=("state__last_good_at",),
               width=20, cell=lambda row: badges.age(row.state.last_good_at, clock)),
        Column("tried", _("What was tried"), _tried, sort=("state__contact_reason",), width=30),
        Column("unit", _("Unit"), "premises.number", sort=("premises__number",), cell=lambda row: _unit(request, row)),
        Column("customer", _("Customer"), "customer", sort=("customer",), width=24),
        Column("line", _("Line"), "line.name", sort=("line__name", "place"), width=24,
               cell=lambda row: badges.below(row.line.name, _where(row))),
        Column("cabinet", _("Cabinet"), "cabinet", sort=("cabinet",)),
        Column("work", _("Work order"), "work_person", sort=("work_person",),
               cell=lambda row: work_cell(request, row, "network:silent_work_meter")),
    ]  # fmt: skip
    return columns if "customers.view" in request.rights else [one for one in columns if one.key != "customer"]


def _tried(row: Any) -> str:
    return words.tried(row.state.failed_rounds, row.state.contact_reason)


def _where(row: Any) -> str:
    place = _("place %(n)s") % {"n": row.place} if row.place else ""
    return " · ".join(part for part in (place, _("address %(n)s") % {"n": row.address}) if part)


def _unit(request: ConsoleRequest, row: Any) -> str | SafeString:
    if row.premises is None:
        return badges.below("–", "")
    if "unit.view" not in request.rights:
        return str(row.premises.number)
    return format_html('<a href="{}">{}</a>', reverse("units:page", args=[row.premises.number]), row.premises.number)


# -- gateways ---------------------------------------------------------------------------------------------------------


def _gateways(request: ConsoleRequest) -> Listing:
    zones = estate.groups(request.user).filter(gateways__state__contact=Contact.OUT).distinct().order_by("name")
    may_call = "network.scan" in request.rights
    return Listing(
        request,
        _lost_gateways(request),
        title=_("Gateways out of contact"),
        columns=_gateway_columns(request),
        filters=[Choice("zone", _("Zone"), [(zone.pk, zone.name) for zone in zones], "zone"), work_filter()],
        search=["name", "host", "cabinet", "device"],
        search_hint=_("Name, host or cabinet"),
        sort="since",
        href=(lambda row: reverse("estate:gateway", args=[row.pk])) if "estate.view" in request.rights else None,
        export_name="gateways-out-of-contact",
        actions=[Action(reverse("network:silent_reconnect"), _("Reconnect now"), "plug-connected")] if may_call else [],
        empty=Empty(_("Every gateway answers"), _("Behind a lost gateway nothing is known of its meters."), "router"),
    )


def _lost_gateways(request: ConsoleRequest) -> QuerySet[Any]:
    in_use = Q(lines__retired_at__isnull=True, lines__meters__retired_at__isnull=True)
    bound = Q(
        lines__meters__agreements__unbound_at__isnull=True,
        lines__meters__agreements__agreement__closed_at__isnull=True,
    )
    open_work = WorkOrder.objects.filter(gateway=OuterRef("pk"), closed_at__isnull=True)
    called = ControlOrder.objects.filter(gateway=OuterRef("pk"), kind=ControlKind.RECONNECT).order_by("-pk")
    return estate.gateways(request.user).filter(state__contact=Contact.OUT).select_related("state").annotate(
        meters=Count("lines__meters", filter=in_use, distinct=True),
        units=Count("lines__meters__premises", filter=in_use, distinct=True),
        customers=Count("lines__meters__agreements__agreement__customer", filter=in_use & bound, distinct=True),
        work=Subquery(open_work.values("pk")[:1]),
        work_person=Subquery(open_work.values("person")[:1]),
        called=Subquery(called.values("state")[:1]),
        called_why=Subquery(called.values("reason")[:1]),
        called_at=Subquery(called.values("at")[:1]),
        zone_name=F("zone__name"),
    )  # fmt: skip


def _gateway_columns(request: ConsoleRequest) -> list[Column]:
    clock = request.clock
    return [
        Column("name", _("Gateway"), "name", sort=("name",), phone=Phone.TITLE, width=24,
               cell=lambda row: badges.below(row.name, row.zone_name)),
        Column("since", _("Since"), "state.since", kind=Kind.TIME, sort=("state__since",), width=20,
               cell=lambda row: badges.age(row.state.since, clock)),
        Column("good", _("Last good answer"), "state.last_good_at", kind=Kind.TIME, sort=("state__last_good_at",),
               width=20, cell=lambda row: badges.age(row.state.last_good_at, clock)),
        Column("tried", _("What was tried"), lambda row: words.reason(row.state.reason), sort=("state__reason",),
               width=30, cell=lambda row: badges.below(words.reason(row.state.reason), _reached_at(row))),
        Column("cabinet", _("Cabinet"), "cabinet", sort=("cabinet",)),
        Column("units", _("Units affected"), "units", kind=Kind.NUMBER, sort=("units",)),
        Column("customers", _("Customers"), "customers", kind=Kind.NUMBER, sort=("customers",)),
        Column("meters", _("Meters"), "meters", kind=Kind.NUMBER, sort=("meters",), phone=Phone.HIDE),
        Column("called", _("Last call"), _called, sort=("called_at",), width=24,
               cell=lambda row: _called_cell(row, request)),
        Column("work", _("Work order"), "work_person", sort=("work_person",),
               cell=lambda row: work_cell(request, row, "network:silent_work_gateway")),
    ]  # fmt: skip


def _reached_at(row: Any) -> str:
    return row.device or (f"{row.host}:{row.port}" if row.host else "")


def _called(row: Any) -> str:
    if not row.called:
        return ""
    word = str(ControlState(row.called).label)
    why = words.reason(row.called_why)
    return f"{word}: {why}" if why else word


def _called_cell(row: Any, request: ConsoleRequest) -> SafeString:
    if not row.called:
        return badges.below("–", "")
    return badges.below(_called(row), badges.age(row.called_at, request.clock))
