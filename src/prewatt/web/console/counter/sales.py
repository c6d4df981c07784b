"""Sales as lists: today's with its totals at a glance, and all orders with filters and export."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from prewatt.office.operators.models import Operator
from prewatt.office.vending import selectors as vending
from prewatt.office.vending.models import CreditOrder, OrderState, PayMethod
from prewatt.office.vending.words import reason_text
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.counter.form import METHOD_ICONS
from prewatt.web.console.counter.story import FACES, WORTH_SAYING, face_of
from prewatt.web.console.counter.till import tills
from prewatt.web.console.listing.kit import Choice, Column, Days, Empty, Kind, Listing, Phone

NEWEST = 12  # rows beside the counter


@dataclass(frozen=True, slots=True)
class Total:
    """A sum of some orders, and where one sees them."""

    key: str
    word: Any
    icon: str
    count: int
    fen: int
    address: str


def order_badge(order: CreditOrder) -> SafeString:
    """State of an order with colour, icon and word."""
    face = face_of(order.state)
    return format_html(
        '<span class="order order--{}"><i class="ti ti-{}" aria-hidden="true"></i>{}</span>',
        face.key,
        face.icon,
        face.word,
    )


def _state(order: CreditOrder) -> SafeString:
    waits = order.state not in {OrderState.DELIVERED, OrderState.CANCELLED}
    why = reason_text(order.reason) if waits and order.reason in WORTH_SAYING else ""
    return format_html('{}<span class="l-sub">{}</span>', order_badge(order), why) if why else order_badge(order)


def columns() -> list[Column]:
    """What a row of orders shows."""
    return [
        Column("number", _("Order"), "number", Kind.CODE, sort=("pk",), phone=Phone.TITLE),
        Column("at", _("Time"), "at", Kind.TIME, sort=("at",), width=20),
        Column("unit", _("Unit"), "agreement.premises.number", sort=("agreement__premises__number",)),
        Column("customer", _("Customer"), "agreement.customer.name", sort=("agreement__customer__name",), width=28),
        Column("meter", _("Meter"), "meter.name", sort=("meter__name",), phone=Phone.HIDE),
        Column("amount", _("Amount"), "requested_fen", Kind.MONEY, sort=("requested_fen",)),
        Column("method", _("Paid by"), lambda row: row.get_method_display(), sort=("method",), phone=Phone.HIDE),
        Column("state", _("State"), lambda row: str(face_of(row.state).word), sort=("state",), cell=_state, width=22),
        Column("by", _("Operator"), "by.name", sort=("by__name",), phone=Phone.HIDE),
        Column("counter", _("Till"), "counter.name", phone=Phone.HIDE),
    ]


def purchases_listing(
    request: ConsoleRequest, rows: QuerySet[CreditOrder], *, without: Collection[str] = (), **more: Any
) -> Listing:
    """Orders as a list; a customer's page uses it for his own, without the columns that would repeat his name."""
    return Listing(
        request,
        rows,
        columns=[column for column in columns() if column.key not in without],
        sort="-number",
        href=lambda row: reverse("counter:order", args=[row.number]),
        row_class=lambda row: "l-faint" if row.state == OrderState.CANCELLED else "",
        **more,
    )


@right("vend.view")
@require_GET
def orders(request: ConsoleRequest) -> HttpResponse:
    """All orders, with filters, totals of what is filtered, and export."""
    listing = _listing(request, vending.orders(request.user), _("All sales"), "sales", days=True)
    return _answer(request, listing, {"title": _("All sales"), "lead": ""})


@right("vend.view")
@require_GET
def today(request: ConsoleRequest) -> HttpResponse:
    """Today's orders with totals by method and state."""
    rows = vending.orders(request.user).filter(at__gte=midnight(request))
    listing = _listing(request, rows, _("Sales today"), "sales-today", days=False)
    return _answer(request, listing, {"title": _("Sales today")})


@right("vend.view")
@require_GET
def today_live(request: ConsoleRequest) -> HttpResponse:
    """The counter's side column: totals of the day and the newest orders."""
    return render(request, "console/counter/day.html", day_so_far(request))


def day_so_far(request: ConsoleRequest) -> dict[str, Any]:
    """Totals of the day by method, what is still open, and the newest orders."""
    if "vend.view" not in request.rights:
        return {"newest": [], "by_method": [], "open_orders": [], "day_total": None}
    rows = vending.orders(request.user).filter(at__gte=midnight(request))
    paid = rows.exclude(state=OrderState.CANCELLED)
    total = paid.order_by().aggregate(count=Count("pk"), fen=Sum("requested_fen"))
    return {
        "newest": list(rows.order_by("-pk")[:NEWEST]),
        "by_method": totals(paid, "method", PayMethod.choices),
        "open_orders": list(vending.waiting(request.user, at=request.clock.now())[:5]),
        "day_total": total,
    }


def totals(rows: QuerySet[CreditOrder], field: str, choices: Sequence[tuple[str, Any]]) -> list[Total]:
    """Count and sum by a field, in the order of its choices; empty ones are left out."""
    found = {
        row[field]: row for row in rows.order_by().values(field).annotate(count=Count("pk"), fen=Sum("requested_fen"))
    }
    return [
        Total(value, label, _icon(field, value), found[value]["count"], found[value]["fen"], f"?{field}={value}")
        for value, label in choices
        if value in found
    ]


def _icon(field: str, value: str) -> str:
    return FACES[OrderState(value)].icon if field == "state" else METHOD_ICONS[PayMethod(value)]


def midnight(request: ConsoleRequest) -> datetime:
    """The beginning of the site's civil day."""
    zone = timezone.get_current_timezone()
    return datetime.combine(request.clock.now().astimezone(zone).date(), time(), tzinfo=zone)


def _listing(request: ConsoleRequest, rows: QuerySet[CreditOrder], title: Any, export: str, *, days: bool) -> Listing:
    filters: list[Any] = [
        state_filter(),
        Choice("method", _("Paid by"), PayMethod.choices, "method"),
        Choice("counter", _("Till"), [(str(one.pk), one.name) for one in tills()], "counter"),
        Choice("by", _("Operator"), lambda: _cashiers(rows), "by"),
    ]
    if days:
        filters.append(Days("at", _("Day"), "at"))
    return purchases_listing(
        request,
        rows,
        title=title,
        filters=filters,
        search=[
            "number", "agreement__premises__number", "agreement__customer__name", "agreement__customer__initials",
            "meter__name", "meter__serial",
        ],
        search_hint=_("Order, unit, customer, meter"),
        export_name=export,
        empty=Empty(_("Nothing was sold yet"), _("Each sale appears here the moment it is paid."), "cash-register",
                    reverse("counter:home"), _("To the counter")),
    )  # fmt: skip


def state_filter() -> Choice:
    """Orders of one state."""
    return Choice("state", _("State"), [(key, face.word) for key, face in FACES.items()], "state")


def _cashiers(rows: QuerySet[CreditOrder]) -> list[tuple[str, str]]:
    ids = rows.order_by().values_list("by", flat=True).distinct()
    return [(str(one.pk), one.name) for one in Operator.objects.filter(pk__in=list(ids)).order_by("name")]


def _answer(request: ConsoleRequest, listing: Listing, context: dict[str, Any]) -> HttpResponse:
    if request.GET.get("export"):
        return listing.response("console/counter/sales.html")
    kept = listing.rows.exclude(state=OrderState.CANCELLED)
    sums = kept.order_by().aggregate(count=Count("pk"), fen=Sum("requested_fen"))
    states = totals(listing.rows, "state", [(key, face.word) for key, face in FACES.items()])
    return listing.response(
        "console/counter/sales.html",
        {**context, "sums": sums, "by_method": totals(kept, "method", PayMethod.choices), "by_state": states},
    )
