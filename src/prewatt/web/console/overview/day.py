"""Totals of the site's day, for the line above the wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from prewatt.core.money import Money
from prewatt.core.supply import Contact, SupplyMode, UnitState
from prewatt.office.operators.models import Operator
from prewatt.office.readings import selectors as readings
from prewatt.office.vending import selectors as vending

ALARMS = {UnitState.LOW_1, UnitState.LOW_2, UnitState.ON_OVERDRAFT, UnitState.OFF_EMPTY}


@dataclass(frozen=True, slots=True)
class Day:
    """Today in numbers: fen, Wh and W."""

    units: int
    sold: Money
    sales: int
    under_way: str  # money on its way to meters, as text; "" when none
    energy: int
    power: int
    in_contact: int
    meters: int
    oldest: datetime | None
    alarms: int
    dark: int
    lit: int
    held_on: int


def day_of(operator: Operator, tiles: Sequence[readings.Tile], now: datetime) -> Day:
    """What happened today in the operator's part of the building."""
    totals = readings.totals_today(operator, at=now, shown=tiles)
    sales = vending.sales_today(operator, at=now)
    answering = [tile for tile in tiles if tile.contact is Contact.OK]
    states = [tile.state for tile in tiles]
    return Day(
        units=len({tile.unit for tile in tiles}),
        sold=sales.sold,
        sales=sales.count,
        under_way=str(sales.pending) if sales.pending else "",
        energy=totals.energy_today_wh,
        power=totals.power_w,
        in_contact=len(answering),
        meters=len(tiles),
        oldest=min((tile.read_at for tile in answering if tile.read_at), default=None),
        alarms=sum(state in ALARMS for state in states),
        dark=states.count(UnitState.OFF_EMPTY),
        lit=states.count(UnitState.ON_OVERDRAFT),
        held_on=sum(tile.mode is SupplyMode.HELD_ON for tile in tiles),
    )
