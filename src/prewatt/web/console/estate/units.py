"""Unit numbers (户号): the places that are supplied, each with its meters and whoever pays."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.estate import selectors
from prewatt.office.estate.models import Premises
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.estate import badges
from prewatt.web.console.estate.common import Fact, in_use, nothing_yet
from prewatt.web.console.listing.kit import Choice, Column, Kind, Listing, Phone


def listing(request: ConsoleRequest, rows: QuerySet[Any] | None = None, name: str = "list") -> Listing:
    """All units, or those of one group."""
    whole = rows is None
    rows = selectors.premises(request.user, retired=True) if rows is None else rows
    running = SupplyAgreement.objects.filter(premises=OuterRef("pk"), closed_at__isnull=True)
    return Listing(
        request,
        rows.select_related("group__parent").annotate(
            customer=Subquery(running.values("customer__name")[:1]),
            meter_count=Count("meters", filter=Q(meters__retired_at__isnull=True)),
        ),
        title=_("Units"),
        columns=_columns(request),
        filters=_filters(request) if whole else [],
        search=["number", "name", "use"] if whole else [],
        search_hint=_("Unit number, name or use"),
        sort="number",
        href=lambda row: reverse("estate:premise", args=[row.pk]),
        row_class=lambda row: "l-faint" if row.retired_at else "",
        export_name="units" if whole else "",
        export_right="estate.export",
        empty=nothing_yet(request, _("No units yet"), "home"),
        name=name,
    )


def _filters(request: ConsoleRequest) -> list[Any]:
    groups = selectors.groups(request.user).order_by("name")
    uses = selectors.premises(request.user).exclude(use="").order_by("use").values_list("use", flat=True).distinct()
    return [
        Choice("group", _("Building"), [(group.pk, group.name) for group in groups], _within),
        Choice("use", _("Kind of use"), [(use, use) for use in uses[:200]], "use"),
        Choice("supply", _("Opened or not"), [("open", _("opened")), ("none", _("not opened"))],
               lambda rows, value: rows.filter(customer__isnull=value == "none")),
        Choice("protected", _("Protected"), [("1", _("protected")), ("0", _("not protected"))], "protected"),
        in_use(),
    ]  # fmt: skip


def _within(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(group__in=selectors.with_descendants([int(value)]))


def area(premises: Premises) -> str:
    """Area in m² with two places."""
    if premises.area_cm2 is None:
        return ""
    whole, rest = divmod((premises.area_cm2 + 50) // 100, 100)
    return f"{whole:,}.{rest:02d}"


def _columns(request: ConsoleRequest) -> list[Column]:
    customers = "customers.view" in request.rights
    who = Column("customer", _("Customer"), "customer", sort=("customer",), width=24)
    return [
        Column("number", _("Unit number"), "number", sort=("number",), phone=Phone.TITLE),
        Column("name", _("Name"), "name", sort=("name",), width=24),
        Column("group", _("Building"), "group.name", sort=("group__name",), width=24,
               cell=lambda row: badges.below(row.group.name, _parent(row)) if row.group else "–"),
        *([who] if customers else []),
        Column("use", _("Kind of use"), "use", sort=("use",)),
        Column("area", _("Area, m²"), area, sort=("area_cm2",), phone=Phone.HIDE),
        Column("meters", _("Meters"), "meter_count", kind=Kind.NUMBER, sort=("meter_count",)),
        Column("protected", _("Protected"), "protected", kind=Kind.FLAG, sort=("protected",), phone=Phone.HIDE),
    ]  # fmt: skip


def _parent(row: Premises) -> str:
    return row.group.parent.name if row.group and row.group.parent else ""


def facts(request: ConsoleRequest, premises: Premises) -> list[Fact]:
    """What a unit's estate page says about it."""
    group = premises.group
    found = [
        Fact(_("Name"), premises.name),
        Fact(_("Building"), group.name if group else "", reverse("estate:group", args=[group.pk]) if group else ""),
        Fact(_("Kind of use"), premises.use),
        Fact(_("Area"), f"{area(premises)} m²" if premises.area_cm2 is not None else ""),
        Fact(_("Protected"), _("yes, never cut for arrears") if premises.protected else _("no")),
    ]
    running = (
        SupplyAgreement.objects.filter(premises=premises, closed_at__isnull=True).select_related("customer").first()
    )
    if "customers.view" in request.rights:
        found.insert(0, Fact(_("Customer"), running.customer.name if running else _("not opened")))
    return found


def live_page(premises: Premises) -> str:
    """Address of the unit's own page with its state and sales."""
    try:
        return reverse("units:page", args=[premises.number])
    except NoReverseMatch:
        return ""
