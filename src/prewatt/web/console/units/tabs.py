"""What stands under a unit's header: power and energy, purchases with proof, readings, meters, log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from prewatt.office.operators import selectors as operators
from prewatt.office.readings import selectors as readings
from prewatt.office.vending import selectors as vending
from prewatt.office.vending.models import CreditOrder
from prewatt.office.vending.words import reason_text
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.operators.deeds import deed
from prewatt.web.console.units.view import Unit

DAYS = 30
ROWS = 100


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: its key in the URL, its word, and what fills it."""

    key: str
    title: str | Promise
    build: Callable[[ConsoleRequest, Unit], dict[str, Any]]

    @property
    def template(self) -> str:
        """The part of the page it draws."""
        return f"console/units/{self.key}.html"


def of(key: str) -> Tab:
    """The tab of that key; the first when there is none."""
    return next((tab for tab in TABS if tab.key == key), TABS[0])


def power(request: ConsoleRequest, unit: Unit) -> dict[str, Any]:
    """Today's power by reading, and energy of the last days."""
    zone, now = _zone(request), request.clock.now()
    midnight = _midnight(now, zone)
    curve: dict[int, int] = {}
    daily: dict[date, int] = {}
    for one in unit.meters:
        for point in readings.history(one.meter, midnight, now):
            if point.power_w is not None:
                ts = int(point.at.timestamp())
                curve[ts] = curve.get(ts, 0) + point.power_w
        first = midnight.date() - timedelta(days=DAYS - 1)
        for day in readings.daily_energy(one.meter, first, midnight.date(), zone):
            if day.energy_wh is not None:
                daily[day.day] = daily.get(day.day, 0) + day.energy_wh
    points = sorted(curve.items())
    if points and unit.power_w is not None and unit.at is not None and unit.at.timestamp() > points[-1][0]:
        points.append((int(unit.at.timestamp()), unit.power_w))
    days = sorted(daily.items())
    return {
        "curve": {
            "midnight": int(midnight.timestamp()),
            "points": [[ts, watts / 1000] for ts, watts in points],  # for the eye only: charts draw floats
        },
        "daily": {"days": [day.strftime("%m-%d") for day, _wh in days], "kwh": [wh / 1000 for _day, wh in days]},
        "days": list(reversed(days)),
        "days_sum": sum(wh for _day, wh in days),
        "peak": max(points, key=lambda point: point[1], default=None),
        "peak_at": _local(max(points, key=lambda point: point[1])[0], zone) if points else None,
    }


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase with what the meter proved."""

    order: CreditOrder
    proof: dict[str, Any] | None
    reason: str


def purchases(_request: ConsoleRequest, unit: Unit) -> dict[str, Any]:
    """All orders of the unit's meters, newest first, with count and credit before and after."""
    found = []
    for one in unit.meters:
        for order in vending.purchases(one.meter).prefetch_related("receipts")[:ROWS]:
            proof = vending.papers(order).get("proof")
            found.append(Purchase(order, proof.body if proof else None, reason_text(order.reason)))
    found.sort(key=lambda purchase: purchase.order.at, reverse=True)
    return {"purchases": found[:ROWS]}


def readings_of_day(request: ConsoleRequest, unit: Unit) -> dict[str, Any]:
    """Stored readings of one day, newest first, with what was used between them."""
    zone, now = _zone(request), request.clock.now()
    start = _day(request.GET.get("day", ""), zone) or _midnight(now, zone)
    end = start + timedelta(days=1)
    rows: list[dict[str, Any]] = []
    for one in unit.meters:
        before: int | None = None
        for reading in readings.history(one.meter, start, end):
            used = None if before is None or reading.energy_wh is None else reading.energy_wh - before
            before = reading.energy_wh if reading.energy_wh is not None else before
            rows.append({"at": reading.at, "meter": one.meter, "reading": reading, "used": used})
    rows.sort(key=lambda row: row["at"], reverse=True)
    return {
        "rows": rows,
        "day": start.date(),
        "day_before": start.date() - timedelta(days=1),
        "day_after": start.date() + timedelta(days=1) if end <= now else None,
    }


def meters(_request: ConsoleRequest, _unit: Unit) -> dict[str, Any]:
    """The meters with their registers: nothing beyond the header is needed."""
    return {}


def log(request: ConsoleRequest, unit: Unit) -> dict[str, Any]:
    """Entries of the operation log that name the unit, its meters, its customer's agreement or its orders."""
    names = {unit.premises.number, *(one.meter.name for one in unit.meters)}
    if unit.agreement:
        names |= {unit.agreement.number, unit.agreement.customer.name}
    for one in unit.meters:
        names |= set(vending.purchases(one.meter).values_list("number", flat=True)[:ROWS])
    found = operators.operation_log(request.user).filter(Q(subject__in=names))
    return {"entries": [(entry, deed(entry.action)) for entry in found[:ROWS]]}


TABS = (
    Tab("power", _("Power and energy"), power),
    Tab("purchases", pgettext_lazy("tab", "Purchases"), purchases),
    Tab("readings", _("Readings"), readings_of_day),
    Tab("meters", _("Meters"), meters),
    Tab("log", _("Log"), log),
)


def _zone(request: ConsoleRequest) -> ZoneInfo:
    return ZoneInfo(request.site.time_zone)


def _midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _local(ts: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ts, zone)


def _day(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone)
    except ValueError:
        return None
