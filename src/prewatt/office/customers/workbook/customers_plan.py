"""The sheet of customers: each row opens a unit's supply, or corrects the customer of one that is open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop as _

from prewatt.meters import registry
from prewatt.office.customers.errors import Problem
from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.customers.services import customer_problems, opening_problems
from prewatt.office.customers.workbook import cells
from prewatt.office.customers.workbook.cells import BadCell
from prewatt.office.customers.workbook.estate_plan import Estate
from prewatt.office.customers.workbook.plan import Judge
from prewatt.office.customers.workbook.reading import Row, shown
from prewatt.office.estate.models import Meter, MeterRole, Premises


@dataclass
class Opening:
    """A supply to open, or an open one (``agreement``) whose customer is corrected and whose meters are completed."""

    row: int
    name: str
    phone: str | None  # None: the column is not there
    premises: Premises
    meters: list[Meter]
    agreement: SupplyAgreement | None
    opening_credit: int | None = None
    opening_energy_wh: int | None = None


@dataclass
class Openings:
    """All rows of the sheet that could be read."""

    rows: list[Opening] = field(default_factory=list)


def judge_customers(judge: Judge, estate: Estate) -> Openings:
    """Lay the sheet over the estate and note every error."""
    found = Openings()
    open_now = SupplyAgreement.objects.filter(closed_at__isnull=True).select_related("customer", "premises")
    by_unit = {agreement.premises.number: agreement for agreement in open_now}
    of_unit = _meters_of_units(estate)
    taken: dict[str, int] = {}
    for row, unit, values in judge.rows("customers", "unit"):
        premises = judge.refer("customers", row, "unit", unit, estate.premises.things)
        name = values.get("name")
        if premises is None or not name:
            continue
        opening = Opening(row.number, name, None, premises, [], by_unit.get(unit))
        if "phone" in values:
            opening.phone = values["phone"] or ""
        judge.add_all("customers", row.number, customer_problems(name, opening.phone or ""))
        if opening.agreement is not None and opening.agreement.customer.name != name:
            problem = _("Unit %(unit)s is open for %(name)s. Close that supply first.")
            there = {"unit": unit, "name": opening.agreement.customer.name}
            judge.add("customers", row.number, "name", Problem(problem, there))
        opening.meters = _meters(judge, estate, row, values, opening, of_unit.get(unit, []), taken)
        _figures(judge, row, values, opening)
        found.rows.append(opening)
    return found


def _meters_of_units(estate: Estate) -> dict[str, list[Meter]]:
    found: dict[str, list[Meter]] = {}
    for meter in estate.meters.things.values():
        if meter.premises is not None and meter.role == MeterRole.PREPAID:
            found.setdefault(meter.premises.number, []).append(meter)
    return found


def _meters(
    judge: Judge,
    estate: Estate,
    row: Row,
    values: dict[str, Any],
    opening: Opening,
    of_unit: list[Meter],
    taken: dict[str, int],
) -> list[Meter]:
    """The meters a row means: those it names by name or serial, or else all prepaid ones of its unit."""
    named: list[str] = values.get("meters") or []
    by_serial = {meter.serial: meter for meter in estate.meters.things.values() if meter.serial} if named else {}
    meters: list[Meter] = []
    for text in named:
        meter = estate.meters.things.get(text) or by_serial.get(text)
        if meter is None:
            judge.add("customers", row.number, "meters", Problem(_("There is no %(name)s."), {"name": shown(text)}))
        else:
            meters.append(meter)
    meters = meters or ([] if named else of_unit)
    if not meters and not named:
        problem = Problem(_("Unit %(unit)s has no prepaid meter."), {"unit": opening.premises.number})
        judge.add("customers", row.number, "meters" if "meters" in values else "unit", problem)
    for problem in _meter_problems(estate, row, opening, meters, taken):
        judge.add("customers", row.number, "meters", problem)
    return meters


def _meter_problems(
    estate: Estate, row: Row, opening: Opening, meters: Iterable[Meter], taken: dict[str, int]
) -> Iterable[Problem]:
    own = opening.agreement.pk if opening.agreement is not None else None
    for meter in meters:
        if meter.premises is not None and meter.premises.number != opening.premises.number:
            yield Problem(_("Meter %(name)s belongs to another unit."), {"name": meter.name})
        elif meter.role != MeterRole.PREPAID:
            yield Problem(_("Meter %(name)s is not a prepaid meter in use."), {"name": meter.name})
        elif meter.pk in estate.bound and estate.bound[meter.pk] != own:
            yield Problem(_("Meter %(name)s serves another customer."), {"name": meter.name})
        elif meter.name in taken:
            there = {"name": meter.name, "row": taken[meter.name]}
            yield Problem(_("%(name)s is in row %(row)s already."), there)
        else:
            taken[meter.name] = row.number


def _figures(judge: Judge, row: Row, values: dict[str, Any], opening: Opening) -> None:
    """Opening credit as the first meter's purse counts: yuan to the fen, or kWh to the watt-hour."""
    text = values.get("opening_credit")
    if text is not None:
        try:
            opening.opening_credit = cells.scaled(text, _purse_scale(opening.meters))
        except BadCell as bad:
            judge.add("customers", row.number, "opening_credit", bad.problem)
    opening.opening_energy_wh = values.get("opening_reading")
    problems = opening_problems(opening.opening_credit, opening.opening_energy_wh)
    judge.add_all("customers", row.number, problems)


def _purse_scale(meters: list[Meter]) -> int:
    known = [meter.profile for meter in meters if meter.profile in registry.names()]
    return 1000 if known and registry.get(known[0]).purse == "energy" else 100
