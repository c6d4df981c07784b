"""One tile a meter, as the wall and every list show it: built from a few flat queries, never from readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from prewatt.core.supply import AlarmLevels, Contact, ContactorState, MeterFlag, SupplyMode, UnitState, unit_state
from prewatt.meters import registry
from prewatt.meters.row import CONTACTOR_CODES, MODE_CODES
from prewatt.office.customers.selectors import opened_meters
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import GroupKind, Meter, MeterRole, UnitGroup

COLUMNS = {
    "meter_id": "pk",
    "meter": "name",
    "profile": "profile",
    "serial": "serial",
    "circuit": "circuit",
    "group_id": "premises__group_id",
    "unit": "premises__number",
    "unit_name": "premises__name",
    "use": "premises__use",
    "protected": "premises__protected",
    "version": "state__version",
    "read_at": "state__at",
    "energy_wh": "state__energy_wh",
    "credit": "state__credit",
    "power_w": "state__power_w",
    "purchase_number": "state__purchase_number",
    "contactor": "state__contactor",
    "mode": "state__mode",
    "flags": "state__flags",
    "seen_serial": "state__seen_serial",
    "contact": "state__contact",
    "contact_since": "state__contact_since",
    "last_good_at": "state__last_good_at",
    "failed_rounds": "state__failed_rounds",
    "contact_reason": "state__contact_reason",
    "gateway": "line__gateway__name",
    "gateway_contact": "line__gateway__state__contact",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A meter with its unit, customer and latest state. ``credit`` is fen, or Wh when ``purse`` is "energy"."""

    meter_id: int
    meter: str
    profile: str
    purse: str
    serial: str
    circuit: str
    unit: str
    unit_name: str
    use: str
    protected: bool
    zone: str
    building: str
    floor: str
    group: str
    customer: str
    agreement: str
    state: UnitState
    credit: int | None
    energy_wh: int | None
    power_w: int | None
    purchase_number: int | None
    contactor: ContactorState
    mode: SupplyMode
    flags: MeterFlag
    contact: Contact
    contact_since: datetime | None
    last_good_at: datetime | None
    failed_rounds: int
    contact_reason: str
    gateway: str
    read_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class _Place:
    zone: str
    building: str
    floor: str
    group: str
    order: tuple[tuple[int, str], ...]


NOWHERE = _Place("", "", "", "", ())


def tiles(*, scope: frozenset[int] | None = None, only: Q | None = None, placed_only: bool = True) -> list[Tile]:
    """Tiles of living meters in the order of the building. ``scope`` None: the whole site.

    ``placed_only`` leaves out meters without a unit and those that are no prepaid meters.
    """
    meters = Meter.objects.filter(retired_at__isnull=True)
    if placed_only:
        meters = meters.filter(premises__isnull=False, premises__retired_at__isnull=True, role=MeterRole.PREPAID)
    if scope is not None:
        meters = meters.filter(estate.meters_in(scope))
    if only is not None:
        meters = meters.filter(only)
    return list(_build(meters))


def _build(meters: QuerySet[Meter]) -> Iterator[Tile]:
    site = estate.site()
    levels = AlarmLevels(site.alarm_1_fen, site.alarm_2_fen)
    places = _places()
    bound = {
        meter: (customer, number)
        for meter, customer, number in opened_meters()
        .filter(meter__in=meters)
        .values_list("meter_id", "agreement__customer__name", "agreement__number")
    }
    rows = (dict(zip(COLUMNS, values, strict=True)) for values in meters.values_list(*COLUMNS.values()))
    placed = [(places.get(row["group_id"], NOWHERE), row) for row in rows]
    placed.sort(key=lambda pair: (pair[0].order, pair[1]["unit"] or "", pair[1]["meter"]))
    for place, row in placed:
        yield _tile(row, place, bound.get(row["meter_id"]), levels)


def _tile(row: dict[str, Any], place: _Place, bound: tuple[str, str] | None, levels: AlarmLevels) -> Tile:
    contact = Contact(row["contact"] or Contact.UNKNOWN)
    if row["gateway_contact"] == Contact.OUT and contact is Contact.OK:
        contact = Contact.UNKNOWN  # nobody can ask it while its gateway is away
    contactor = ContactorState(CONTACTOR_CODES[row["contactor"] or 0])
    mode = SupplyMode(MODE_CODES[row["mode"] or 0])
    flags = MeterFlag(row["flags"] or 0)
    purse = registry.get(row["profile"]).purse if row["profile"] in registry.names() else None
    state = unit_state(
        opened=bound is not None,
        contact=contact,
        mode=mode,
        contactor=contactor,
        credit=row["credit"],
        levels=levels,
        flags=flags,
    )
    return Tile(
        meter_id=row["meter_id"],
        meter=row["meter"],
        profile=row["profile"],
        purse=purse or "",
        serial=row["serial"] or row["seen_serial"] or "",
        circuit=row["circuit"],
        unit=row["unit"] or "",
        unit_name=row["unit_name"] or "",
        use=row["use"] or "",
        protected=bool(row["protected"]),
        zone=place.zone,
        building=place.building,
        floor=place.floor,
        group=place.group,
        customer=bound[0] if bound else "",
        agreement=bound[1] if bound else "",
        state=state,
        credit=row["credit"],
        energy_wh=row["energy_wh"],
        power_w=row["power_w"],
        purchase_number=row["purchase_number"],
        contactor=contactor,
        mode=mode,
        flags=flags,
        contact=contact,
        contact_since=row["contact_since"],
        last_good_at=row["last_good_at"],
        failed_rounds=row["failed_rounds"] or 0,
        contact_reason=row["contact_reason"] or "",
        gateway=row["gateway"],
        read_at=row["read_at"],
        version=row["version"] or 0,
    )


def _places() -> dict[int, _Place]:
    """Where each group lies: names of its zone, building and floor, and its order in the building."""
    groups = {
        pk: (name, kind, parent, place)
        for pk, name, kind, parent, place in UnitGroup.objects.values_list("pk", "name", "kind", "parent_id", "place")
    }
    return {pk: _place(pk, groups) for pk in groups}


def _place(group: int, groups: Mapping[int, tuple[str, str, int | None, int]]) -> _Place:
    chain: list[tuple[str, str, int]] = []
    seen: set[int] = set()
    here: int | None = group
    while here is not None and here in groups and here not in seen:
        seen.add(here)
        name, kind, parent, place = groups[here]
        chain.append((name, kind, place))
        here = parent
    named = {kind: name for name, kind, _place in reversed(chain)}
    return _Place(
        zone=named.get(GroupKind.ZONE, ""),
        building=named.get(GroupKind.BUILDING, ""),
        floor=named.get(GroupKind.FLOOR, ""),
        group=chain[0][0],
        order=tuple((place, name) for name, _kind, place in reversed(chain)),
    )
