"""How every line is doing: exchanges, errors by kind, how long meters take, and a day of it as small curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import Line
from prewatt.office.readings import selectors as readings
from prewatt.office.readings.models import LineHistory
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.estate import badges
from prewatt.web.console.listing.kit import Choice, Column, Empty, Kind, Listing, Phone
from prewatt.web.console.network.chart import BAD_PERMILLE

DAY = timedelta(hours=24)
WIDTH, HEIGHT = 120, 26


@right("network.view")
@require_safe
def page(request: ConsoleRequest) -> HttpResponse:
    """All visible lines with their counters."""
    return _listing(request).response("console/network/traffic.html")


def _listing(request: ConsoleRequest) -> Listing:
    gateways = estate.gateways(request.user).order_by("name")
    lines = estate.lines(request.user).select_related("gateway", "state").annotate(
        failed=F("state__timeouts") + F("state__crc_errors") + F("state__foreign"),
    )  # fmt: skip
    logs = "lines.log" in request.rights
    seen = "estate.view" in request.rights
    listing = Listing(
        request,
        lines,
        title=_("Line health"),
        columns=[],
        filters=[
            Choice("gateway", _("Gateway"), [(gateway.pk, gateway.name) for gateway in gateways], "gateway"),
            Choice("health", _("Health"), [("troubled", _("2 % failed or more")), ("busy", _("busy to 90 % or more"))],
                   _by_health),
        ],
        search=["name", "gateway__name"],
        search_hint=_("Line or gateway"),
        sort="name",
        href=(lambda row: reverse("lines:frames" if logs else "estate:line", args=[row.pk])) if logs or seen else None,
        export_name="line-health",
        empty=Empty(_("No lines yet"), "", "git-branch"),
    )  # fmt: skip
    listing.columns = _columns(_curves(request, listing))
    return listing


def _by_health(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    if value == "busy":
        return rows.filter(state__busy_permille__gte=900)
    compared = rows.alias(share=F("failed") * 1000, allowed=F("state__exchanges") * BAD_PERMILLE)
    troubled: QuerySet[Any] = compared.filter(share__gte=F("allowed"), state__exchanges__gt=0)
    return troubled


def _columns(curve: Callable[[Line, str], SafeString]) -> list[Column]:
    def number(key: str, label: str, **more: Any) -> Column:
        return Column(key, label, f"state.{key}", kind=Kind.NUMBER, sort=(f"state__{key}",), **more)

    return [
        Column("name", _("Line"), "name", sort=("name",), phone=Phone.TITLE, width=24,
               cell=lambda row: badges.below(row.name, f"{row.baud} 8{row.parity}1 · {row.gateway.name}")),
        Column("gateway", _("Gateway"), "gateway.name", sort=("gateway__name",), shown=False, width=24),
        number("exchanges", _("Exchanges")),
        Column("share", _("Failed"), _share, sort=("failed",), cell=_share_cell),
        number("timeouts", _("No answer")),
        number("crc_errors", _("Damaged")),
        number("foreign", _("Foreign"), phone=Phone.HIDE),
        number("exceptions", _("Refusals"), phone=Phone.HIDE),
        Column("failures", _("Failures, 24 h"), "", cell=lambda row: curve(row, "failed"), export=False,
               phone=Phone.HIDE),
        Column("latency_p50_ms", _("Answer time, median, ms"), "state.latency_p50_ms", kind=Kind.NUMBER, shown=False),
        Column("latency_p95_ms", _("Answer time"), "state.latency_p95_ms", sort=("state__latency_p95_ms",),
               cell=_latency),
        Column("slowness", _("95 %, 24 h"), "", cell=lambda row: curve(row, "latency"), export=False,
               phone=Phone.HIDE),
        Column("busy", _("Busy"), _busy, sort=("state__busy_permille",)),
        Column("load", _("Busy, 24 h"), "", cell=lambda row: curve(row, "busy"), export=False),
        Column("round", _("One round"), lambda row: badges.seconds(_of(row, "round_ms")), sort=("state__round_ms",)),
    ]  # fmt: skip


def _of(row: Line, name: str) -> int:
    state = getattr(row, "state", None)
    return getattr(state, name, 0) or 0


def _share(row: Any) -> str:
    return badges.permille(row.failed or 0, _of(row, "exchanges"))


def _share_cell(row: Any) -> SafeString:
    exchanges = _of(row, "exchanges")
    bad = exchanges > 0 and (row.failed or 0) * 1000 >= exchanges * BAD_PERMILLE
    return format_html('<span class="{}">{}</span>', "net-bad" if bad else "", _share(row))


def _latency(row: Line) -> SafeString:
    if not _of(row, "latency_p95_ms"):
        return badges.below("–", "")
    words = _("median %(n)s ms") % {"n": _of(row, "latency_p50_ms")}
    return badges.below(f"{_of(row, 'latency_p95_ms')} ms", words)


def _busy(row: Line) -> str:
    return badges.permille(_of(row, "busy_permille"), 1000) if _of(row, "exchanges") else "–"


# -- curves -----------------------------------------------------------------------------------------------------------


def _curves(request: ConsoleRequest, listing: Listing) -> Callable[[Line, str], SafeString]:
    """A day of a line as a small curve; the lines of the page are looked up once, when the first is drawn."""
    now = request.clock.now()
    since = now - DAY
    known: dict[int, list[LineHistory]] | None = None

    def curve(row: Line, kind: str) -> SafeString:
        nonlocal known
        if known is None:
            known = defaultdict(list)
            lines = [line.pk for line in listing.page]
            for slice_ in readings.line_history(request.user, since).filter(line__in=lines):
                known[slice_.line_id].append(slice_)
        slices = known.get(row.pk, [])
        begin = slices[0].at if slices else since  # a young system's curve takes the whole width
        points = [((slice_.at - begin) / (now - begin), _height(slice_, kind)) for slice_ in slices]
        return sparkline(points, kind)

    return curve


def _height(slice_: LineHistory, kind: str) -> int:
    if kind == "failed":
        return slice_.failed * 1000 // max(slice_.exchanges, 1)
    return slice_.latency_p95_ms if kind == "latency" else slice_.busy_sum // max(slice_.reports, 1)


_FULL = {"failed": 50, "latency": 500, "busy": 1000}  # at least so much is the whole height


def sparkline(points: Sequence[tuple[float, int]], kind: str) -> SafeString:
    """Points (0 to 1 of the day, value) as a filled curve; nothing for fewer than two."""
    if len(points) < 2:
        return format_html('<span class="text-secondary">{}</span>', "–")
    top = max(_FULL[kind], *(value for _at, value in points))
    drawn = [(f"{at * WIDTH:.1f}", f"{HEIGHT - 1 - value * (HEIGHT - 3) / top:.1f}") for at, value in points]
    line = " ".join(f"{x},{y}" for x, y in drawn)
    area = f"{drawn[0][0]},{HEIGHT} {line} {drawn[-1][0]},{HEIGHT}"
    return format_html(
        '<svg class="net-spark net-spark--{}" viewBox="0 0 {} {}" width="{}" height="{}" aria-hidden="true">'
        '<polygon points="{}"></polygon><polyline points="{}"></polyline></svg>',
        kind, WIDTH, HEIGHT, WIDTH, HEIGHT, area, line,
    )  # fmt: skip
