"""Customers as a list: one row an agreement, the open ones unless asked otherwise."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from prewatt.core.money import Money
from prewatt.office.customers import selectors
from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.estate import selectors as estate
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.base.states import STATES
from prewatt.web.console.base.templatetags.console import state_badge
from prewatt.web.console.counter.faces import Chosen, all_chosen, masked
from prewatt.web.console.listing.kit import Choice, Column, Empty, Kind, Listing, Phone


class Standing(Choice):
    """Shows open agreements unless closed ones, or both, are asked for."""

    __slots__ = ()

    def apply(self, rows: QuerySet[Any], query: QueryDict) -> QuerySet[Any]:
        chosen = self.chosen(query)
        if chosen is None:
            return rows.filter(closed_at__isnull=True)
        return rows.filter(closed_at__isnull=False) if chosen[0] == "closed" else rows


@right("customers.view")
@require_GET
def listed(request: ConsoleRequest) -> HttpResponse:
    """All customers the operator may see."""
    return listing(request).response("console/customers/list.html")


def listing(request: ConsoleRequest) -> Listing:
    """The list itself. What the meters hold is fetched for the shown page only, in one go."""
    faces = Faces()
    groups = estate.groups(request.user).order_by("name")
    found = Listing(
        request,
        selectors.agreements(request.user).select_related("customer", "premises__group"),
        title=_("Customers"),
        columns=_columns(faces),
        filters=[
            Choice("group", _("Building"), [(str(group.pk), group.name) for group in groups], _within),
            Standing("standing", _("Supply"), _standings(), ""),
        ],
        search=[
            "premises__number", "customer__name", "customer__initials", "customer__phone", "number",
            "meters__meter__name", "meters__meter__serial",
        ],
        search_hint=_("Unit, name, initials, phone, meter"),
        sort="unit",
        href=lambda row: reverse("customers:agreement", args=[row.number]),
        row_class=lambda row: "l-faint" if row.closed_at else "",
        export_name="customers",
        export_right="estate.export",
        empty=_empty(request),
    )  # fmt: skip
    found.all_rows = found.all_rows.distinct()
    faces.page = found
    return found


class Faces:
    """What the meters of the shown agreements hold, fetched once a page."""

    page: Listing | None = None

    def __init__(self) -> None:
        self._known: dict[int, Chosen] = {}

    def of(self, agreement: SupplyAgreement) -> Chosen:
        """The customer's meters as the counter shows them."""
        if agreement.pk not in self._known:
            rows = list(self.page.page) if self.page is not None else []
            wanted = rows if agreement.pk in {row.pk for row in rows} else [agreement]
            self._known |= {one.agreement.pk: one for one in all_chosen(wanted)}
        return self._known[agreement.pk]


def _columns(faces: Faces) -> list[Column]:
    return [
        Column("unit", _("Unit"), "premises.number", sort=("premises__number",), phone=Phone.TITLE),
        Column("customer", _("Customer"), "customer.name", sort=("customer__name",), width=28),
        Column("phone", _("Phone"), lambda row: masked(row.customer.phone), Kind.CODE),
        Column("place", _("Building"), "premises.group.name", sort=("premises__group__name",), phone=Phone.HIDE),
        Column("meters", _("Meters"), lambda row: _names(faces.of(row)), width=24, phone=Phone.HIDE),
        Column("credit", _("Remaining credit"), lambda row: _credit(faces.of(row)), Kind.MONEY,
               cell=lambda row: _holds(faces.of(row))),
        Column("state", _("State"), lambda row: _words(faces.of(row)), cell=lambda row: _state(faces.of(row))),
        Column("opened", _("Opened"), "opened_at", Kind.TIME, sort=("opened_at",), phone=Phone.HIDE, width=20),
        Column("number", _("Agreement"), "number", Kind.CODE, sort=("number",), phone=Phone.HIDE),
    ]  # fmt: skip


def _names(chosen: Chosen) -> str:
    return ", ".join(face.meter.name for face in chosen.meters)


def _credit(chosen: Chosen) -> int | None:
    known = [face.credit for face in chosen.meters if face.credit is not None]
    return sum(known) if known else None


def _holds(chosen: Chosen) -> SafeString:
    fen = _credit(chosen)
    css = "is-bad" if fen is not None and fen < 0 else ""
    return format_html('<span class="{}">{}</span>', css, "—" if fen is None else str(Money(fen)))


def _state(chosen: Chosen) -> SafeString:
    return format_html_join(" ", "{}", ((state_badge(face.state),) for face in chosen.meters))


def _words(chosen: Chosen) -> str:
    return ", ".join(str(STATES[face.state].word) for face in chosen.meters)


def _standings() -> list[tuple[str, str]]:
    return [("closed", pgettext("supply", "closed")), ("all", _("open and closed"))]


def _within(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(premises__group__in=estate.with_descendants([int(value)]))


def _empty(request: ConsoleRequest) -> Empty:
    if "customers.open" not in request.rights:
        return Empty(_("No customers yet"), _("Customers appear here when their supply is opened."), "users")
    return Empty(
        _("No customers yet"), _("Open the supply of a unit, or import a workbook with customers in it."), "users",
        reverse("customers:open"), _("Open supply"),
    )  # fmt: skip
