"""Work orders: send somebody to a silent meter or gateway, and write down what was found."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from prewatt.core.errors import Refusal
from prewatt.office.controls import selectors as controls
from prewatt.office.controls.models import WorkOrder
from prewatt.office.controls.work import close_work_order, open_work_order
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import Gateway, Meter
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.estate import badges
from prewatt.web.console.listing.forms import KitForm
from prewatt.web.console.listing.kit import Choice, Column, Days, Empty, Kind, Listing, Phone
from prewatt.web.console.network.common import response


class OpenForm(KitForm):
    """Who goes, and what for."""

    person = forms.CharField(label=gettext_lazy("Who goes"), max_length=60, required=False)
    note = forms.CharField(
        label=gettext_lazy("What is to be done"), max_length=300, required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    wide = frozenset({"note"})


class CloseForm(KitForm):
    """What was found."""

    result = forms.CharField(
        label=gettext_lazy("What was found and done"), max_length=300, required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    wide = frozenset({"result"})


@right("network.view")
@require_safe
def orders(request: ConsoleRequest) -> HttpResponse:
    """All work orders, the open ones unless others are asked for."""
    return response(request, _listing(request), "work")


@right("workorder.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def open_at_meter(request: ConsoleRequest, pk: int) -> HttpResponseBase:
    """Send somebody to a meter."""
    return _open(request, get_object_or_404(estate.meters(request.user), pk=pk), "network:silent")


@right("workorder.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def open_at_gateway(request: ConsoleRequest, pk: int) -> HttpResponseBase:
    """Send somebody to a gateway."""
    return _open(request, get_object_or_404(estate.gateways(request.user), pk=pk), "network:silent_gateways")


@right("network.view")
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: ConsoleRequest, pk: int) -> HttpResponseBase:
    """One work order; whoever may closes it here with its result."""
    order = get_object_or_404(controls.work_orders(request.user), pk=pk)
    may = "workorder.edit" in request.rights and order.closed_at is None
    form = CloseForm(request.POST or None)
    if request.method == "POST" and may and form.is_valid():
        try:
            close_work_order(
                order=order, result=form.cleaned_data["result"], by=request.user, at=request.clock.now()
            )  # fmt: skip
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The work order is closed."))
            return HttpResponseRedirect(reverse("network:silent_work"))
    context = {"order": order, "thing": order.meter or order.gateway, "form": form if may else None}
    return render(request, "console/network/work_order.html", context, status=422 if form.errors else 200)


def _open(request: ConsoleRequest, thing: Meter | Gateway, back: str) -> HttpResponseBase:
    form = OpenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            open_work_order(at_thing=thing, by=request.user, at=request.clock.now(), **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The work order is open."))
            return HttpResponseRedirect(reverse(back))
    context = {"thing": thing, "form": form, "cancel_href": reverse(back), "submit": _("Open the work order")}
    return render(request, "console/network/work_new.html", context, status=422 if form.errors else 200)


class Openness(Choice):
    """Shows open orders unless asked for others."""

    __slots__ = ()

    def apply(self, rows: QuerySet[Any], query: Any) -> QuerySet[Any]:
        chosen = self.chosen(query)
        if chosen is None:
            return rows.filter(closed_at__isnull=True)
        return rows.filter(closed_at__isnull=False) if chosen[0] == "closed" else rows


def _listing(request: ConsoleRequest) -> Listing:
    rows = controls.work_orders(request.user).annotate(thing=Coalesce(F("meter__name"), F("gateway__name")))
    return Listing(
        request,
        rows,
        title=_("Work orders"),
        columns=_columns(request),
        filters=[
            Openness(
                "closed", _("State"), [("closed", pgettext("work order", "closed")), ("all", _("open and closed"))], ""
            ),
            Days("opened", pgettext("work order", "Opened"), "opened_at"),
        ],
        search=["thing", "person", "note", "result", "meter__premises__number"],
        search_hint=_("Meter, gateway, unit or person"),
        sort="-opened",
        href=lambda row: reverse("network:silent_work_order", args=[row.pk]),
        export_name="work-orders",
        empty=Empty(_("No open work order"), _("Send somebody from the lists of what is out of contact."), "tool"),
    )


def _columns(request: ConsoleRequest) -> list[Column]:
    clock = request.clock
    return [
        Column("thing", _("Meter or gateway"), "thing", sort=("thing",), phone=Phone.TITLE, width=24,
               cell=lambda row: badges.below(row.thing, _where(row))),
        Column("person", _("Who goes"), "person", sort=("person",)),
        Column("note", _("What is to be done"), "note", width=36),
        Column("opened", pgettext("work order", "Opened"), "opened_at", kind=Kind.TIME, sort=("opened_at",), width=20,
               cell=lambda row: badges.below(badges.age(row.opened_at, clock), row.opened_by.name)),
        Column("result", _("Result"), "result", width=36),
        Column("closed", pgettext("work order", "Closed"), "closed_at", kind=Kind.TIME, sort=("closed_at",), width=20,
               cell=lambda row: _closed(row, request)),
    ]  # fmt: skip


def _where(row: WorkOrder) -> str:
    if row.meter is None:
        return row.gateway.cabinet if row.gateway else ""
    unit = row.meter.premises.number if row.meter.premises else ""
    return " · ".join(part for part in (unit, row.meter.cabinet) if part)


def _closed(row: WorkOrder, request: ConsoleRequest) -> str:
    if row.closed_at is None:
        return pgettext("work order", "open")
    return badges.below(badges.age(row.closed_at, request.clock), row.closed_by.name if row.closed_by else "")
