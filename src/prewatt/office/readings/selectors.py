"""Reading what the meters said: the wall, a unit's page, history and consumption by civil day."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from prewatt.core.money import round_half_away
from prewatt.core.supply import Contact, UnitState
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import Gateway, Meter
from prewatt.office.operators.models import Operator
from prewatt.office.readings.models import LineFrame, LineHistory, LineState, MeterState, Reading
from prewatt.office.readings.tiles import Tile, tiles

__all__ = [
    "DayEnergy", "GatewayContact", "MeterView", "Point", "Tile", "Totals", "changed_tiles", "daily_energy", "frames",
    "gateway_contacts", "history", "line_history", "line_states", "meter_view", "status", "system_contacts",
    "system_line_states", "totals_today", "version", "wall",
]  # fmt: skip


def wall(operator: Operator) -> list[Tile]:
    """A tile for each visible unit's meter, in the order of the building."""
    return tiles(scope=estate.scope_groups(operator))


def changed_tiles(operator: Operator, since_version: int) -> list[Tile]:
    """Tiles whose state changed after a version that a page already shows."""
    return tiles(scope=estate.scope_groups(operator), only=Q(state__version__gt=since_version))


def version() -> int:
    """The newest version of any state: what a page remembers to ask for changes."""
    newest = MeterState.objects.aggregate(newest=Max("version"))["newest"]
    return newest or 0


def status() -> list[Tile]:
    """Every living meter of the site, those without a unit too: for the command line, which sees all."""
    return tiles(placed_only=False)


@dataclass(frozen=True, slots=True)
class Totals:
    """The line of figures above the wall."""

    units: int
    energy_today_wh: int
    power_w: int
    credit_fen: int
    by_state: dict[UnitState, int]
    out_of_contact: int


def totals_today(operator: Operator, *, at: datetime, shown: Sequence[Tile] | None = None) -> Totals:
    """Figures of the day for the visible meters; give the tiles when they were fetched already."""
    shown = wall(operator) if shown is None else shown
    midnight = _midnight(at.astimezone(_zone()).date())
    return Totals(
        units=len(shown),
        energy_today_wh=_energy_since([tile.meter_id for tile in shown], midnight),
        power_w=sum(tile.power_w or 0 for tile in shown if tile.contact is Contact.OK),
        credit_fen=sum(tile.credit or 0 for tile in shown if tile.purse == "money"),
        by_state=dict(Counter(tile.state for tile in shown)),
        out_of_contact=sum(tile.contact is Contact.OUT for tile in shown),
    )


def _energy_since(meters: Sequence[int], start: datetime) -> int:
    """Wh used since a moment: latest state less the last reading before it (or the first after)."""
    ts = int(start.timestamp())
    mine = Reading.objects.filter(meter_id=OuterRef("meter_id"), energy_wh__isnull=False)
    before = Subquery(mine.filter(ts__lte=ts).order_by("-ts").values("energy_wh")[:1], output_field=BigIntegerField())
    after = Subquery(mine.filter(ts__gt=ts).order_by("ts").values("energy_wh")[:1], output_field=BigIntegerField())
    states = MeterState.objects.filter(energy_wh__isnull=False, at__gte=start)
    rows = states.annotate(base=Coalesce(before, after, F("energy_wh"))).values_list("meter_id", "energy_wh", "base")
    wanted = set(meters)
    return sum(max(now - base, 0) for meter, now, base in rows if meter in wanted and now is not None)


@dataclass(frozen=True, slots=True)
class Point:
    """A stored reading."""

    at: datetime
    energy_wh: int | None
    power_w: int | None
    credit: int | None
    purchase_number: int | None


def history(meter: Meter, start: datetime, end: datetime) -> list[Point]:
    """Stored readings of a meter in [start, end), oldest first. ``meter`` must come from a scoped selector."""
    found = Reading.objects.filter(meter=meter, ts__gte=int(start.timestamp()), ts__lt=int(end.timestamp()))
    columns = ("ts", "energy_wh", "power_w", "credit", "purchase_number")
    return [
        Point(datetime.fromtimestamp(ts, start.tzinfo), *rest)
        for ts, *rest in found.order_by("ts").values_list(*columns)
    ]


@dataclass(frozen=True, slots=True)
class DayEnergy:
    """Consumption of one civil day; None when no reading bounds it."""

    day: date
    energy_wh: int | None


def daily_energy(meter: Meter, start: date, end: date, zone: ZoneInfo) -> list[DayEnergy]:
    """Consumption of each civil day from ``start`` to ``end`` inclusive, midnight to midnight in ``zone``.

    Energy at midnight lies on the straight line between the readings around it; the newest day lasts to the newest
    reading. A day without any reading has no figure.
    """
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    bounds = [int(datetime.combine(day, time(), zone).timestamp()) for day in [*days, end + timedelta(days=1)]]
    mine = Reading.objects.filter(meter=meter, energy_wh__isnull=False).values_list("ts", "energy_wh")
    before = mine.filter(ts__lt=bounds[0]).order_by("-ts")[:1]
    inside = mine.filter(ts__gte=bounds[0], ts__lte=bounds[-1]).order_by("ts")
    after = mine.filter(ts__gt=bounds[-1]).order_by("ts")[:1]
    readings = [(ts, energy) for ts, energy in (*before, *inside, *after) if energy is not None]
    return [DayEnergy(day, _used(readings, *span)) for day, span in zip(days, pairwise(bounds), strict=True)]


def _used(readings: Sequence[tuple[int, int]], begin: int, end: int) -> int | None:
    """Wh between two moments, or None when no reading lies between them or the register went back."""
    first, last = bisect_left(readings, (begin,)), bisect_left(readings, (end,))
    if first == last:
        return None
    used = _energy_at(readings, last, end) - _energy_at(readings, first, begin)
    return used if used >= 0 else None


def _energy_at(readings: Sequence[tuple[int, int]], index: int, moment: int) -> int:
    """Energy at a moment that lies before ``readings[index]`` and after the one before it."""
    if index == 0 or index == len(readings):
        return readings[min(index, len(readings) - 1)][1]
    (ts, energy), (later_ts, later_energy) = readings[index - 1], readings[index]
    return energy + round_half_away((later_energy - energy) * (moment - ts), later_ts - ts)


@dataclass(frozen=True, slots=True)
class MeterView:
    """Everything a unit's page says of one meter."""

    tile: Tile
    meter: Meter
    state: MeterState | None
    gateway_contact: Contact


def meter_view(operator: Operator, meter_id: int) -> MeterView:
    """One visible meter with its latest state. Raises Meter.DoesNotExist."""
    meter = estate.meters(operator).select_related("line__gateway__state", "premises__group", "state").get(pk=meter_id)
    shown = tiles(only=Q(pk=meter.pk), placed_only=False)
    gateway = getattr(meter.line.gateway, "state", None)
    contact = Contact(gateway.contact) if gateway else Contact.UNKNOWN
    return MeterView(shown[0], meter, getattr(meter, "state", None), contact)


@dataclass(frozen=True, slots=True)
class GatewayContact:
    """Whether a gateway's uplink answers."""

    name: str
    contact: Contact
    since: datetime | None


def gateway_contacts(operator: Operator | None) -> list[GatewayContact]:
    """Contact of each visible gateway; ``operator`` None is the system, which sees all."""
    found: QuerySet[Gateway] = (
        Gateway.objects.filter(retired_at__isnull=True) if operator is None else estate.gateways(operator)
    )
    rows = found.order_by("name").values_list("name", "state__contact", "state__since")
    return [GatewayContact(name, Contact(contact or Contact.UNKNOWN), since) for name, contact, since in rows]


def line_states(operator: Operator) -> QuerySet[LineState]:
    """Counters of visible lines."""
    return LineState.objects.filter(line__in=estate.lines(operator)).select_related("line__gateway")


def system_line_states() -> QuerySet[LineState]:
    """Counters of every line in use: for monitoring, which sees all."""
    return LineState.objects.filter(line__retired_at__isnull=True).select_related("line__gateway").order_by("line")


def system_contacts() -> dict[Contact, int]:
    """How many meters in use are in which contact: for monitoring, which sees all."""
    meters = Meter.objects.filter(retired_at__isnull=True).values_list("state__contact", flat=True)
    counts = Counter(Contact(contact or Contact.UNKNOWN) for contact in meters)
    return {contact: counts[contact] for contact in Contact}


def line_history(operator: Operator, since: datetime) -> QuerySet[LineHistory]:
    """What visible lines did since then, slice by slice, oldest first."""
    return LineHistory.objects.filter(line__in=estate.lines(operator), at__gte=since).order_by("at")


def frames(operator: Operator, line_id: int) -> QuerySet[LineFrame]:
    """Raw frames of a visible line, newest first."""
    return LineFrame.objects.filter(line_id=line_id, line__in=estate.lines(operator)).order_by("-pk")


def _zone() -> ZoneInfo:
    return ZoneInfo(estate.site().time_zone)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), _zone())
