"""Meters and instruments: where each hangs, what it serves, and when it last answered."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from prewatt.core.supply import Contact
from prewatt.meters import registry
from prewatt.office.estate import selectors
from prewatt.office.estate.models import Meter, MeterRole
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.base.templatetags.console import DASH, kw, kwh, money, scaled
from prewatt.web.console.estate import badges
from prewatt.web.console.estate.common import Fact, in_use, nothing_yet
from prewatt.web.console.estate.forms import profile_choices
from prewatt.web.console.estate.gateways import by_contact, contact_choices, contact_of
from prewatt.web.console.listing.kit import Action, Choice, Column, Kind, Listing, Phone


def listing(request: ConsoleRequest, rows: QuerySet[Any] | None = None, name: str = "list") -> Listing:
    """All meters, or those of one line or unit."""
    whole = rows is None
    rows = selectors.meters(request.user, retired=True) if rows is None else rows
    may_read = "meter.read-now" in request.rights
    return Listing(
        request,
        rows.select_related("line__gateway", "premises__group", "state"),
        title=_("Meters"),
        columns=_columns(request, short=not whole),
        filters=_filters(request) if whole else [],
        search=["name", "serial", "premises__number", "premises__name", "circuit"] if whole else [],
        search_hint=_("Meter, serial number, unit or circuit"),
        sort="name" if whole else "place",
        href=lambda row: reverse("estate:meter", args=[row.pk]),
        row_class=lambda row: "l-faint" if row.retired_at else "",
        export_name="meters" if whole else "",
        export_right="estate.export",
        actions=[Action(reverse("estate:read_now"), _("Read now"), "refresh")] if whole and may_read else [],
        empty=nothing_yet(request, _("No meters yet"), "dashboard"),
        name=name,
    )


def _filters(request: ConsoleRequest) -> list[Any]:
    gateways = selectors.gateways(request.user).order_by("name")
    lines = selectors.lines(request.user).order_by("name")
    return [
        Choice("gateway", _("Gateway"), [(gateway.pk, gateway.name) for gateway in gateways], "line__gateway"),
        Choice("line", _("Line"), [(line.pk, line.name) for line in lines], "line"),
        Choice("profile", _("Model"), profile_choices(), "profile"),
        Choice("role", _("Purpose"), MeterRole.choices, "role"),
        Choice("contact", _("Contact"), contact_choices(), by_contact),
        Choice("unit", _("Unit"), [("yes", _("serves a unit")), ("no", _("serves no unit"))],
               lambda rows, value: rows.filter(premises__isnull=value == "no")),
        in_use(),
    ]  # fmt: skip


def _columns(request: ConsoleRequest, *, short: bool) -> list[Column]:
    clock, titles = request.clock, dict(profile_choices())
    place = Column("place", _("Place in the chain"), "place", kind=Kind.CODE, sort=("place", "address"))
    line = Column("line", _("Line"), "line.name", sort=("line__name", "address"), width=24)
    columns = [
        Column("name", _("Name"), "name", sort=("name",), cell=lambda row: badges.below(row.name, row.serial),
               phone=Phone.TITLE, width=24),
        Column("unit", _("Unit"), "premises.number", sort=("premises__number",), cell=_unit),
        *([place] if short else [line]),
        Column("address", _("Address"), "address", kind=Kind.CODE, sort=("address",)),
        Column("profile", _("Model"), lambda row: titles.get(row.profile, row.profile), sort=("profile",), width=24),
        Column("role", _("Purpose"), lambda row: row.get_role_display(), sort=("role",), phone=Phone.HIDE),
        Column("contact", _("Contact"), lambda row: badges.contact_words()[Contact(contact_of(row))][0],
               sort=("state__contact",), cell=lambda row: badges.contact(contact_of(row))),
        Column("read", _("Last answer"), "state.last_good_at", kind=Kind.TIME, sort=("state__last_good_at",), width=20,
               cell=lambda row: badges.age(_last_good(row), clock)),
        Column("energy", _("Energy, kWh"), "state.energy_wh", kind=Kind.ENERGY, sort=("state__energy_wh",),
               phone=Phone.HIDE),
    ]  # fmt: skip
    return columns + ([] if short else [_only_exported(key, label) for key, label in _exported()])


def _exported() -> list[tuple[str, str]]:
    return [("serial", _("Serial number")), ("cabinet", _("Cabinet")), ("circuit", _("Circuit"))]


def _only_exported(key: str, label: str) -> Column:
    return Column(key, label, key, kind=Kind.CODE, shown=False)


def _last_good(row: Meter) -> Any:
    return getattr(getattr(row, "state", None), "last_good_at", None)


def _unit(row: Meter) -> SafeString | str:
    unit = row.premises
    if unit is None:
        return badges.below(row.circuit or "–", "")
    return badges.below(unit.number, unit.name)


def facts(request: ConsoleRequest, meter: Meter) -> list[Fact]:
    """What a meter's page says about it."""
    unit, state = meter.premises, getattr(meter, "state", None)
    return [
        Fact(_("Contact"), badges.contact(contact_of(meter))),
        Fact(_("Last answer"), badges.age(_last_good(meter), request.clock)),
        Fact(_("Serial number"), _serial(meter, state.seen_serial if state else "")),
        Fact(_("Unit"), unit.number if unit else "", reverse("estate:premise", args=[unit.pk]) if unit else ""),
        Fact(_("Purpose"), meter.get_role_display()),
        Fact(_("Circuit"), meter.circuit),
        Fact(_("Line"), meter.line.name, reverse("estate:line", args=[meter.line_id])),
        Fact(_("Address"), meter.address),
        Fact(_("Model"), dict(profile_choices()).get(meter.profile, meter.profile)),
        Fact(_("Place in the chain"), meter.place),
        Fact(_("Cabinet"), meter.cabinet),
        Fact(_("CT / PT"), f"{meter.ct} / {meter.pt}"),
    ]


def figures(meter: Meter) -> list[tuple[str, str, bool]]:
    """What the meter said last: label, figure, whether it is bad."""
    state = getattr(meter, "state", None)
    if state is None or state.at is None:
        return []
    volts = [scaled(value, 1) for value in (state.voltage_a, state.voltage_b, state.voltage_c) if value is not None]
    amperes = [scaled(value, 2) for value in (state.current_a, state.current_b, state.current_c) if value is not None]
    found = [
        (_("Energy, kWh"), kwh(state.energy_wh), False),
        (_("Credit"), _credit(meter, state.credit), bool(state.credit is not None and state.credit <= 0)),
        (_("Power, kW"), kw(state.power_w), False),
        (_("Voltage, V"), " / ".join(volts), False),
        (_("Current, A"), " / ".join(amperes), False),
        (_("Purchase number"), "" if state.purchase_number is None else str(state.purchase_number), False),
    ]
    return [figure for figure in found if figure[1] not in {"", DASH}]


def _credit(meter: Meter, credit: int | None) -> str:
    purse = registry.get(meter.profile).purse if meter.profile in registry.names() else None
    return f"{kwh(credit)} kWh" if purse == "energy" else money(credit)


def _serial(meter: Meter, seen: str) -> SafeString | str:
    if not seen or seen == meter.serial:
        return meter.serial
    note = _("the meter says %(serial)s") % {"serial": seen}
    return format_html('{} <span class="text-danger">({})</span>', meter.serial or "–", note)
