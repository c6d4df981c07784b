"""A unit as its page shows it: who is supplied, through which meters, what they hold and how long that lasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from prewatt.core import meterclock
from prewatt.core.energy import Price, cost, energy_for
from prewatt.core.money import Money
from prewatt.core.supply import Contact, SupplyMode, UnitState
from prewatt.office.customers import selectors as customers
from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import Meter, Premises, Site
from prewatt.office.operators.models import Operator
from prewatt.office.readings import selectors as readings
from prewatt.office.readings.models import MeterState
from prewatt.office.vending import selectors as vending

FORECAST_DAYS = 7  # days left are told from the mean use of the last week
SHOWN_DIGITS = 4
SHOWN_DRIFT_S = 86_400


@dataclass(frozen=True, slots=True)
class UnitMeter:
    """One meter of a unit with its latest state; quantities as in the models."""

    meter: Meter
    row: MeterState
    tile: readings.Tile
    under_way: Money
    zone: ZoneInfo

    @property
    def at(self) -> datetime | None:
        """When it was read last."""
        return self.row.at

    @property
    def silent(self) -> bool:
        """Whether it does not answer now."""
        return self.tile.contact is not Contact.OK

    @property
    def clock_off_s(self) -> int | None:
        """Seconds its own clock is ahead of the site's (negative: behind); None when it tells no clock."""
        if self.row.meter_clock is None or self.row.at is None:
            return None
        return meterclock.drift_s(self.row.meter_clock, self.row.at, self.zone)

    @property
    def clock_words(self) -> str:
        """How far its clock is off, for a person."""
        off = self.clock_off_s
        if off is None:
            return ""
        if abs(off) <= meterclock.GOOD_S:
            return _("right")
        shown = f"{abs(off) // 60}:{abs(off) % 60:02d}" if abs(off) < SHOWN_DRIFT_S else _("more than a day")
        return (_("%(time)s ahead") if off > 0 else _("%(time)s behind")) % {"time": shown}

    @property
    def clock_wrong(self) -> bool:
        """Whether its energy may fall into the wrong tariff."""
        return self.clock_off_s is not None and abs(self.clock_off_s) > meterclock.WRONG_S

    @property
    def phases(self) -> tuple[tuple[str, int | None, int | None], ...]:
        """(name, voltage 0.1 V, current 0.01 A) of the phases it has."""
        row = self.row
        found = (
            ("A", row.voltage_a, row.current_a),
            ("B", row.voltage_b, row.current_b),
            ("C", row.voltage_c, row.current_c),
        )
        return tuple(phase for phase in found if phase[1] is not None or phase[2] is not None)

    @property
    def bands(self) -> tuple[tuple[str, int], ...]:
        """(band, Wh) of the time-of-use registers it has."""
        row = self.row
        found = (
            (_("sharp"), row.sharp_wh),
            (_("peak"), row.peak_wh),
            (_("flat"), row.flat_wh),
            (_("valley"), row.valley_wh),
            (_("deep valley"), row.deep_wh),
        )
        return tuple((name, value) for name, value in found if value is not None)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit's page. ``credit`` is the sum of its meters' purses in fen, None when none was read."""

    premises: Premises
    path: str
    agreement: SupplyAgreement | None
    meters: tuple[UnitMeter, ...]
    state: UnitState
    credit: int | None
    about_wh: int | None
    days_left: int | None
    power_w: int | None
    today_wh: int | None
    under_way: Money
    at: datetime | None

    @property
    def first(self) -> UnitMeter | None:
        """Its meter, where it has just one as most do."""
        return self.meters[0] if self.meters else None

    @property
    def phone(self) -> str:
        """The customer's phone as far as this page shows it."""
        return masked(self.agreement.customer.phone) if self.agreement else ""

    @property
    def unsure(self) -> bool:
        """Whether no meter can be asked now, though one was read before: all of this may have changed since."""
        return self.at is not None and all(one.silent for one in self.meters)

    @property
    def held_on(self) -> bool:
        """Whether a meter stays on whatever its credit."""
        return any(one.tile.mode is SupplyMode.HELD_ON for one in self.meters)


def masked(phone: str) -> str:
    """A phone number by its first and last digits: 138****5678."""
    if len(phone) <= SHOWN_DIGITS:
        return phone
    head = phone[:3] if len(phone) > SHOWN_DIGITS + 3 else ""
    return f"{head}****{phone[-SHOWN_DIGITS:]}"


def unit_of(operator: Operator, number: str, at: datetime) -> Unit:
    """A visible unit by its number. Raises Premises.DoesNotExist."""
    premises = estate.premises(operator).get(number=number)
    site = estate.site()
    agreement = customers.agreements(operator, closed=False).filter(premises=premises).first()
    meters = _meters(operator, premises, agreement, ZoneInfo(site.time_zone))
    known = [one.tile.credit for one in meters if one.tile.credit is not None and one.tile.purse == "money"]
    powers = [one.row.power_w for one in meters if one.row.power_w is not None and not one.silent]
    credit = sum(known) if known and agreement else None
    today, daily = _use(meters, at, site)
    return Unit(
        premises=premises,
        path=_path(premises),
        agreement=agreement,
        meters=meters,
        state=_worst(meters, agreement),
        credit=credit,
        about_wh=None if credit is None else energy_for(Money(max(0, credit)), Price(site.price)),
        days_left=_days(credit, daily, site),
        power_w=sum(powers) if powers else None,
        today_wh=today,
        under_way=sum((one.under_way for one in meters), Money(0)),
        at=min((one.at for one in meters if one.at), default=None),
    )


def _meters(
    operator: Operator, premises: Premises, agreement: SupplyAgreement | None, zone: ZoneInfo
) -> tuple[UnitMeter, ...]:
    mine = list(estate.meters(operator).filter(premises=premises, role="prepaid").values_list("pk", flat=True))
    if agreement is not None:
        bound = customers.bound_meters(agreement).exclude(meter__in=mine)
        mine.extend(bound.filter(meter__in=estate.meters(operator)).values_list("meter_id", flat=True))
    waiting = vending.pending_fen(mine)
    views = [readings.meter_view(operator, pk) for pk in mine]
    return tuple(_meter(view, waiting.get(view.meter.pk, 0), zone) for view in views)


def _meter(view: readings.MeterView, pending: int, zone: ZoneInfo) -> UnitMeter:
    row = view.state or MeterState(meter=view.meter)
    tile = view.tile
    return UnitMeter(view.meter, row, tile, Money(pending), zone)


def _worst(meters: tuple[UnitMeter, ...], agreement: SupplyAgreement | None) -> UnitState:
    """The state by precedence over all meters of the unit."""
    if agreement is None or not meters:
        return UnitState.NOT_OPENED
    order = list(UnitState)
    return min((one.tile.state for one in meters), key=order.index)


def _path(premises: Premises) -> str:
    names: list[str] = []
    group = premises.group
    while group is not None and len(names) < 8:
        names.append(group.name)
        group = group.parent
    return " / ".join(reversed(names))


def _use(meters: tuple[UnitMeter, ...], at: datetime, site: Site) -> tuple[int | None, int]:
    """Wh used today, and the mean of the last full days."""
    zone = ZoneInfo(site.time_zone)
    midnight = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - timedelta(days=FORECAST_DAYS)
    today: int | None = None
    past: dict[date, int] = {}
    for one in meters:
        for day in readings.daily_energy(one.meter, start.date(), midnight.date(), zone):
            if day.energy_wh is None:
                continue
            if day.day == midnight.date():
                today = (today or 0) + day.energy_wh
            else:
                past[day.day] = past.get(day.day, 0) + day.energy_wh
    return today, sum(past.values()) // len(past) if past else 0


def _days(credit: int | None, daily_wh: int, site: Site) -> int | None:
    a_day = cost(daily_wh, Price(site.price)).fen
    if credit is None or a_day <= 0:
        return None
    return max(0, credit) // a_day
