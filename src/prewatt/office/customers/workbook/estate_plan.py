"""The estate's five sheets: groups, gateways, lines, units, meters, judged in that order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from django.utils.translation import gettext_noop as _

from prewatt.meters import registry
from prewatt.office.customers.errors import Problem
from prewatt.office.customers.models import AgreementMeter
from prewatt.office.customers.workbook.plan import Draft, Judge, Kept, given, lay
from prewatt.office.customers.workbook.reading import Row
from prewatt.office.estate import protection, rules, selectors
from prewatt.office.estate.models import Gateway, Line, Meter, Premises, UnitGroup
from prewatt.office.estate.rules import KINDS_BY_TCP, Seat
from prewatt.office.estate.services import GatewayFields, protected


@dataclass
class Estate:
    """The whole estate as it would be after the import."""

    groups: Kept[UnitGroup] = field(default_factory=Kept)
    gateways: Kept[Gateway] = field(default_factory=Kept)
    lines: Kept[Line] = field(default_factory=Kept)
    premises: Kept[Premises] = field(default_factory=Kept)
    meters: Kept[Meter] = field(default_factory=Kept)
    bound: dict[int, int] = field(default_factory=dict)  # meter id → agreement id, in force


def load() -> Estate:
    """What exists now. Retired things are not there, but a retired unit number comes back when named."""
    living = {"retired_at__isnull": True}
    estate = Estate()
    estate.groups.things = {group.name: group for group in UnitGroup.objects.filter(**living)}
    by_id = {group.pk: group for group in estate.groups.things.values()}
    for group in estate.groups.things.values():
        if group.parent_id in by_id:
            group.parent = by_id[group.parent_id]
    estate.gateways.things = {row.name: row for row in Gateway.objects.filter(**living).select_related("zone")}
    estate.lines.things = {row.name: row for row in Line.objects.filter(**living).select_related("gateway")}
    estate.premises.things = {row.number: row for row in Premises.objects.select_related("group")}
    meters = Meter.objects.filter(**living).select_related("line", "premises").order_by("pk")
    estate.meters.things = {row.name: row for row in meters}
    bound = AgreementMeter.objects.filter(unbound_at__isnull=True)
    estate.bound = dict(bound.values_list("meter_id", "agreement_id"))
    return estate


def judge(judge: Judge, estate: Estate) -> None:
    """Lay the sheets over the estate and note every error."""
    _groups(judge, estate)
    _gateways(judge, estate)
    _lines(judge, estate)
    _premises(judge, estate)
    _meters(judge, estate)
    _seats(judge, estate)


def _groups(judge: Judge, estate: Estate) -> None:
    rows = judge.rows("groups", "name")
    for row, name, values in rows:
        fields = given(values, {"kind": ""}) | {"name": name}
        if name not in estate.groups.things:
            fields["place"] = len(estate.groups.things)  # new groups stand in the order of the sheet
        made = lay(estate.groups, UnitGroup, row, name, fields)
        judge.add_all("groups", row.number, rules.group_problems(made.thing))
    for row, name, values in rows:
        if "parent" in values:
            parent = judge.refer("groups", row, "parent", values["parent"], estate.groups.things)
            made = estate.groups.drafts[name]
            made.thing.parent = made.fields["parent"] = parent
    for row, name, _values in rows:
        if _lies_within_itself(estate.groups.things[name]):
            judge.add("groups", row.number, "parent", Problem(_("A group cannot lie within itself.")))


def _lies_within_itself(group: UnitGroup) -> bool:
    seen: set[str] = set()
    above: UnitGroup | None = group
    while above is not None:
        if above.name in seen:
            return True
        seen.add(above.name)
        above = above.parent
    return False


def _gateways(judge: Judge, estate: Estate) -> None:
    defaults = {"kind": "", "host": "", "port": None, "device": "", "cabinet": ""}
    site = selectors.site()
    for row, name, values in judge.rows("gateways", "name"):
        fields = given(values, defaults) | {"name": name}
        if "zone" in values:
            fields["zone"] = judge.refer("gateways", row, "zone", values["zone"], estate.groups.things)
        fields = dict(protected(estate.gateways.things.get(name), cast("GatewayFields", fields)))
        made = lay(estate.gateways, Gateway, row, name, fields)
        problems = protection.problems(made.thing, site)
        if "secure" in problems:  # the workbook has no such column
            problems["kind"] = problems.pop("secure")
        judge.add_all("gateways", row.number, problems | rules.gateway_problems(made.thing))

    def address(gateway: Gateway) -> object:
        on_network = gateway.kind in KINDS_BY_TCP and gateway.host and gateway.port
        return (gateway.host, gateway.port) if on_network else None

    def say(gateway: Gateway, other: Gateway) -> Problem:
        return rules.address_taken(gateway, other.name)

    _once(judge, "gateways", "port", estate.gateways, address, say)


def _lines(judge: Judge, estate: Estate) -> None:
    defaults = {"channel": 1, "baud": 9600, "parity": "N", "mixed": False}
    for row, name, values in judge.rows("lines", "name"):
        fields = given(values, defaults) | {"name": name}
        gateway = judge.refer("lines", row, "gateway", values.get("gateway"), estate.gateways.things)
        if gateway is not None:
            fields["gateway"] = gateway
        made = lay(estate.lines, Line, row, name, fields)
        known = gateway or (made.old.gateway if made.old else None)
        judge.add_all("lines", row.number, rules.line_problems(made.thing, known))

    def channel(line: Line) -> object:
        gateway = _gateway_of(line)
        return (gateway.name, line.channel) if gateway is not None else None

    def say(line: Line, other: Line) -> Problem:
        return rules.channel_taken(line, other.name)

    _once(judge, "lines", "channel", estate.lines, channel, say)


def _premises(judge: Judge, estate: Estate) -> None:
    defaults = {"name": "", "use": "", "protected": False}
    for row, number, values in judge.rows("units", "number"):
        fields = given(values, defaults) | {"number": number, "retired_at": None}
        if "area" in values:
            fields["area_cm2"] = values["area"]
        if "group" in values:
            fields["group"] = judge.refer("units", row, "group", values["group"], estate.groups.things)
        made = lay(estate.premises, Premises, row, number, fields)
        judge.add_all("units", row.number, rules.premises_problems(made.thing))
    for number in [number for number, unit in estate.premises.things.items() if unit.retired_at is not None]:
        del estate.premises.things[number]


def _meters(judge: Judge, estate: Estate) -> None:
    defaults = {"profile": "", "serial": "", "place": None, "cabinet": "", "circuit": "", "role": "prepaid"}
    for row, name, values in judge.rows("meters", "name"):
        fields = given(values, {**defaults, "ct": 1, "pt": 1}) | {"name": name}
        if values.get("address") is not None:
            fields["address"] = values["address"]
        line = judge.refer("meters", row, "line", values.get("line"), estate.lines.things)
        if line is not None:
            fields["line"] = line
        if "unit" in values:
            fields["premises"] = judge.refer("meters", row, "unit", values["unit"], estate.premises.things)
        made = lay(estate.meters, Meter, row, name, fields)
        judge.add_all("meters", row.number, rules.meter_problems(made.thing))
        _stays_with_its_customer(judge, estate, row, made)

    def serial(meter: Meter) -> object:
        return meter.serial or None

    def say(meter: Meter, other: Meter) -> Problem:
        return rules.serial_taken(meter, other.name)

    _once(judge, "meters", "serial", estate.meters, serial, say)


def _stays_with_its_customer(judge: Judge, estate: Estate, row: Row, made: Draft[Meter]) -> None:
    old = made.old
    if old is None or old.pk not in estate.bound or "premises" not in made.fields:
        return
    if _name_of(old.premises) != _name_of(made.thing.premises):
        problem = Problem(_("This meter serves an open customer: it cannot move to another unit."))
        judge.add("meters", row.number, "unit", problem)


def _name_of(premises: Premises | None) -> str:
    return premises.number if premises is not None else ""


def _seats(judge: Judge, estate: Estate) -> None:
    """The rules of each line, row by row: the 33rd device is the row that is one too many."""
    seats: dict[str, list[Seat]] = {}
    for name, meter in estate.meters.things.items():
        if name not in estate.meters.drafts and meter.line.retired_at is None:
            seats.setdefault(meter.line.name, []).append(Seat(meter.name, meter.address, meter.profile))
    for name, drafted in estate.lines.drafts.items():
        kinds = Counter(seat.profile for seat in seats.get(name, ()))
        if len(kinds) > 1 and not drafted.thing.mixed:
            problem = Problem(_("There are several kinds on it: %(kinds)s"), {"kinds": ", ".join(sorted(kinds))})
            judge.add("lines", drafted.row, "mixed", problem)
    for made in estate.meters.drafts.values():
        line = _line_of(made.thing)
        if line is None:
            continue
        line = estate.lines.things.get(line.name, line)  # as the workbook changes it
        others = seats.setdefault(line.name, [])
        # a row with an unknown profile or address has its error already: it must not cast doubt on the others
        if made.thing.address is not None and made.thing.profile in registry.names():
            judge.add_all("meters", made.row, rules.seat_problems(made.thing, line=line, others=others))
            others.append(Seat(made.thing.name, made.thing.address, made.thing.profile))


def _once(
    judge: Judge,
    sheet: str,
    column: str,
    kept: Kept[Gateway] | Kept[Line] | Kept[Meter],
    key: Callable[..., object],
    say: Callable[..., Problem],
) -> None:
    """Note each draft whose key somebody else has: somebody who stays as is, or an earlier row."""
    holders = {key(thing): thing for name, thing in kept.things.items() if name not in kept.drafts}
    for made in kept.drafts.values():
        value = key(made.thing)
        if value is None:
            continue
        if value in holders:
            judge.add(sheet, made.row, column, say(made.thing, holders[value]))
        else:
            holders[value] = made.thing


def _gateway_of(line: Line) -> Gateway | None:
    return getattr(line, "gateway", None)


def _line_of(meter: Meter) -> Line | None:
    return getattr(meter, "line", None)
