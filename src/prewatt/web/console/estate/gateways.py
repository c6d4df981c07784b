"""Gateways (通讯管理机): how each is reached, whether it answers, and what hangs on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from prewatt.core.supply import Contact
from prewatt.office.estate import selectors
from prewatt.office.estate.models import Gateway, GatewayKind, Meter, Protection
from prewatt.office.estate.protection import standing
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.estate import badges
from prewatt.web.console.estate.common import Fact, in_use, nothing_yet
from prewatt.web.console.listing.kit import Choice, Column, Kind, Listing, Phone


def reached_at(gateway: Gateway) -> str:
    """Host and port, or the device."""
    if gateway.kind == GatewayKind.SERIAL:
        return gateway.device
    return f"{gateway.host}:{gateway.port}" if gateway.host and gateway.port else gateway.host


def contact_of(row: Gateway | Meter) -> str:
    """State of contact as the head-end last said."""
    state = getattr(row, "state", None)
    return state.contact if state else Contact.UNKNOWN.value


def by_contact(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    """Rows with a state of contact; never asked counts as unknown."""
    if value == Contact.UNKNOWN:
        return rows.filter(Q(state__contact=value) | Q(state__isnull=True))
    return rows.filter(state__contact=value)


def contact_choices() -> list[tuple[str, str]]:
    """Choices of the contact filter."""
    return [(state, words[0]) for state, words in badges.contact_words().items()]


def listing(request: ConsoleRequest, rows: QuerySet[Any] | None = None, name: str = "list") -> Listing:
    """All gateways, or those of a zone."""
    whole = rows is None
    rows = selectors.gateways(request.user, retired=True) if rows is None else rows
    living = Q(lines__retired_at__isnull=True)
    zones = selectors.groups(request.user).filter(gateways__isnull=False).distinct().order_by("name")
    return Listing(
        request,
        rows.select_related("zone", "state").annotate(
            line_count=Count("lines", filter=living, distinct=True),
            meter_count=Count(
                "lines__meters", filter=living & Q(lines__meters__retired_at__isnull=True), distinct=True
            ),
        ),
        title=_("Gateways"),
        columns=_columns(request),
        filters=[
            Choice("zone", _("Zone"), [(zone.pk, zone.name) for zone in zones], "zone"),
            Choice("kind", _("Kind"), GatewayKind.choices, "kind"),
            Choice("contact", _("Contact"), contact_choices(), by_contact),
            Choice("secure", _("Protection"), Protection.choices, "secure"),
            in_use(),
        ]
        if whole
        else [],
        search=["name", "host", "cabinet"] if whole else [],
        search_hint=_("Name, host or cabinet"),
        sort="name",
        href=lambda row: reverse("estate:gateway", args=[row.pk]),
        row_class=lambda row: "l-faint" if row.retired_at else "",
        export_name="gateways" if whole else "",
        export_right="estate.export",
        empty=nothing_yet(request, _("No gateways yet"), "router"),
        name=name,
    )


def _columns(request: ConsoleRequest) -> list[Column]:
    clock, site, now = request.clock, selectors.site(), request.clock.now()
    return [
        Column("name", _("Name"), "name", sort=("name",), phone=Phone.TITLE, width=24),
        Column("contact", _("Contact"), lambda row: badges.contact_words()[Contact(contact_of(row))][0],
               sort=("state__contact",), cell=lambda row: badges.contact(contact_of(row))),
        Column("since", _("Since"), "state.since", kind=Kind.TIME, sort=("state__since",), width=20,
               cell=lambda row: badges.age(getattr(getattr(row, "state", None), "since", None), clock)),
        Column("kind", _("Kind"), lambda row: row.get_kind_display(), sort=("kind",), width=24),
        Column("address", _("Reached at"), reached_at, kind=Kind.CODE, sort=("host", "port"), width=24),
        Column("secure", _("Protection"),
               lambda row: badges.protection_words()[standing(row, site, now)][0], sort=("secure",), width=24,
               cell=lambda row: badges.protection(standing(row, site, now), row.secure_until)),
        Column("zone", _("Zone"), "zone.name", sort=("zone__name",)),
        Column("cabinet", _("Cabinet"), "cabinet", sort=("cabinet",), phone=Phone.HIDE),
        Column("lines", _("Lines"), "line_count", kind=Kind.NUMBER, sort=("line_count",)),
        Column("meters", _("Meters"), "meter_count", kind=Kind.NUMBER, sort=("meter_count",)),
    ]  # fmt: skip


def _last_good(gateway: Gateway) -> datetime | None:
    """When it last carried an answer: its own state is written when contact changes, its meters' with each reading."""
    state = getattr(gateway, "state", None)
    newest = gateway.lines.aggregate(newest=Max("meters__state__last_good_at"))["newest"]
    return max((at for at in (state.last_good_at if state else None, newest) if at), default=None)


def facts(request: ConsoleRequest, gateway: Gateway) -> list[Fact]:
    """What a gateway's page says about it."""
    state = getattr(gateway, "state", None)
    zone = gateway.zone
    guard = standing(gateway, selectors.site(), request.clock.now())
    return [
        Fact(_("Contact"), badges.contact(contact_of(gateway))),
        Fact(_("Since"), badges.age(state.since if state else None, request.clock)),
        Fact(_("Last good answer"), badges.age(_last_good(gateway), request.clock)),
        Fact(_("Kind"), gateway.get_kind_display()),
        Fact(_("Reached at"), reached_at(gateway)),
        Fact(_("Protection"), badges.protection(guard, gateway.secure_until)),
        Fact(_("Zone"), zone.name if zone else "", reverse("estate:group", args=[zone.pk]) if zone else ""),
        Fact(_("Cabinet"), gateway.cabinet),
    ]
