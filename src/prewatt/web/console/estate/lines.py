"""RS-485 lines: how full, how fast, how healthy."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from prewatt.office.estate import selectors
from prewatt.office.estate.models import Line
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.estate import badges
from prewatt.web.console.estate.common import Fact, in_use, nothing_yet
from prewatt.web.console.estate.gateways import contact_of
from prewatt.web.console.listing.kit import Choice, Column, Kind, Listing, Phone

BAD_PERMILLE = 20  # failed exchanges in a thousand from which a line is worth a look


def failed(line: Line) -> int:
    """Exchanges that brought no good answer."""
    state = getattr(line, "state", None)
    return state.timeouts + state.crc_errors + state.foreign if state else 0


def failed_share(line: Line) -> str:
    """Share of failed exchanges."""
    state = getattr(line, "state", None)
    return badges.permille(failed(line), state.exchanges if state else 0)


def _failed(line: Line) -> SafeString:
    state = getattr(line, "state", None)
    bad = bool(state and state.exchanges and failed(line) * 1000 >= state.exchanges * BAD_PERMILLE)
    return format_html('<span class="{}">{}</span>', "text-danger" if bad else "", failed_share(line))


def _troubled(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    total = F("state__timeouts") + F("state__crc_errors") + F("state__foreign")
    rows = rows.alias(failed=total * 1000, allowed=F("state__exchanges") * BAD_PERMILLE)
    troubled = Q(failed__gte=F("allowed"), state__exchanges__gt=0)
    return rows.filter(troubled) if value == "troubled" else rows.exclude(troubled)


def listing(request: ConsoleRequest, rows: QuerySet[Any] | None = None, name: str = "list") -> Listing:
    """All lines, or those of one gateway."""
    whole = rows is None
    rows = selectors.lines(request.user, retired=True) if rows is None else rows
    gateways = selectors.gateways(request.user).order_by("name")
    return Listing(
        request,
        rows.select_related("gateway__state", "gateway__zone", "state").annotate(
            members=Count("meters", filter=Q(meters__retired_at__isnull=True))
        ),
        title=_("Lines"),
        columns=_columns(),
        filters=[
            Choice("gateway", _("Gateway"), [(gateway.pk, gateway.name) for gateway in gateways], "gateway"),
            Choice(
                "health", _("Health"), [("troubled", _("2 % failed or more")), ("healthy", _("healthy"))], _troubled
            ),
            in_use(),
        ]
        if whole
        else [],
        search=["name", "gateway__name"] if whole else [],
        search_hint=_("Line or gateway"),
        sort="name",
        href=lambda row: reverse("estate:line", args=[row.pk]),
        row_class=lambda row: "l-faint" if row.retired_at else "",
        export_name="lines" if whole else "",
        export_right="estate.export",
        empty=nothing_yet(request, _("No lines yet"), "git-branch"),
        name=name,
    )


def _columns() -> list[Column]:
    return [
        Column("name", _("Name"), "name", sort=("name",), cell=lambda row: badges.below(row.name, _settings(row)),
               phone=Phone.TITLE, width=24),
        Column("gateway", _("Gateway"), "gateway.name", sort=("gateway__name", "channel"), width=24),
        Column("channel", _("Channel"), "channel", kind=Kind.CODE, sort=("channel",)),
        Column("members", _("Devices"), "members", kind=Kind.NUMBER, sort=("members",),
               cell=lambda row: badges.occupancy(row.members), drawn=True),
        Column("contact", _("Gateway contact"), lambda row: contact_of(row.gateway),
               cell=lambda row: badges.contact(contact_of(row.gateway)), phone=Phone.HIDE),
        Column("failed", _("Failed"), failed_share, cell=_failed),
        Column("round", _("One round"), _round,
               sort=("state__round_ms",)),
        Column("busy", _("Line busy"), _busy, sort=("state__busy_permille",), phone=Phone.HIDE),
        Column("mixed", _("Mixed"), "mixed", kind=Kind.FLAG, sort=("mixed",), phone=Phone.HIDE),
        Column("log", _("Frame log"), "log_frames", kind=Kind.FLAG, sort=("log_frames",), phone=Phone.HIDE),
    ]  # fmt: skip


def _settings(line: Line) -> str:
    return f"{line.baud} 8{line.parity}1"


def _round(line: Line) -> str:
    state = getattr(line, "state", None)
    return badges.seconds(state.round_ms if state else None)


def _busy(line: Line) -> str:
    state = getattr(line, "state", None)
    return badges.permille(state.busy_permille, 1000) if state else "–"


def facts(_request: ConsoleRequest, line: Line) -> list[Fact]:
    """What a line's page says about it."""
    return [
        Fact(_("Gateway"), line.gateway.name, reverse("estate:gateway", args=[line.gateway_id])),
        Fact(_("Channel"), line.channel),
        Fact(_("Gateway contact"), badges.contact(contact_of(line.gateway))),
        Fact(_("On the wire"), _settings(line)),
        Fact(_("Mixed kinds"), _("yes, on purpose") if line.mixed else _("no")),
        Fact(_("Frame log"), _("being kept") if line.log_frames else _("not kept")),
    ]


def figures(line: Line) -> list[tuple[str, str, bool]]:
    """Health counters: label, figure, whether it is bad."""
    state = getattr(line, "state", None)
    if state is None or not state.exchanges:
        return []
    bad = failed(line) * 1000 >= state.exchanges * BAD_PERMILLE
    return [
        (_("exchanges"), f"{state.exchanges:,}", False),
        (_("failed"), failed_share(line), bad),
        (_("time-outs"), f"{state.timeouts:,}", bad and state.timeouts > state.crc_errors),
        (_("bad checksums"), f"{state.crc_errors:,}", bad and state.crc_errors >= state.timeouts),
        (_("foreign answers"), f"{state.foreign:,}", state.foreign > 0),
        (_("exceptions"), f"{state.exceptions:,}", False),
        (_("answer, ms: median / 95 %"), f"{state.latency_p50_ms} / {state.latency_p95_ms}", False),
        (_("One round"), badges.seconds(state.round_ms), False),
        (_("Line busy"), badges.permille(state.busy_permille, 1000), False),
    ]
