"""Writes about the estate: groups, gateways, lines, meters, unit numbers, the site's defaults.

Each save takes the thing to change (or None for a new one) and the fields to set, and refuses with a problem a field.
Nothing is deleted: what left the building is retired and keeps its history.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext_noop as _

from prewatt.office.estate import protection, rules, selectors
from prewatt.office.estate.errors import Problem
from prewatt.office.estate.keeping import bump_roster, draft, keep, name_taken, plain, refuse
from prewatt.office.estate.models import Gateway, Line, Meter, Premises, Site, UnitGroup
from prewatt.office.estate.retiring import retire
from prewatt.office.estate.rules import KINDS_BY_TCP, Problems, Seat
from prewatt.office.estate.scope import add_operator, outside, outside_line, set_scope
from prewatt.office.estate.selectors import with_descendants
from prewatt.office.operators.models import Operator
from prewatt.office.operators.services import record

__all__ = [
    "add_operator",
    "bump_roster",
    "ensure_site",
    "retire",
    "save_gateway",
    "save_group",
    "save_line",
    "save_meter",
    "save_premises",
    "save_site",
    "set_scope",
]


class GroupFields(TypedDict, total=False):
    """Fields of a group (建筑群)."""

    name: str
    kind: str
    parent: UnitGroup | None
    place: int


class GatewayFields(TypedDict, total=False):
    """Fields of a gateway (通讯管理机)."""

    name: str
    kind: str
    host: str
    port: int | None
    device: str
    zone: UnitGroup | None
    cabinet: str
    secure: str
    secure_until: date | None
    private_network: bool


class LineFields(TypedDict, total=False):
    """Fields of a line (总线)."""

    name: str
    gateway: Gateway
    channel: int
    baud: int
    parity: str
    mixed: bool
    log_frames: bool


class PremisesFields(TypedDict, total=False):
    """Fields of a unit number (户号). ``area_cm2`` is the area in cm²: 10,000 to the square metre."""

    number: str
    name: str
    group: UnitGroup | None
    use: str
    protected: bool
    area_cm2: int | None


class MeterFields(TypedDict, total=False):
    """Fields of a meter (仪表)."""

    name: str
    line: Line
    address: int
    profile: str
    serial: str
    place: int | None
    cabinet: str
    premises: Premises | None
    circuit: str
    role: str
    ct: int
    pt: int


class SiteFields(TypedDict, total=False):
    """The site's settings and defaults (F10)."""

    name: str
    company: str
    hotline: str
    demo: bool
    time_zone: str
    price: int
    alarm_1_fen: int
    alarm_2_fen: int
    overdraft_fen: int
    stored_credit_max_fen: int
    sale_min_fen: int
    sale_max_fen: int
    power_limit_w: int
    read_interval_s: int
    sweep_pause_s: int
    private_networks: str


@transaction.atomic
def save_group(
    *, instance: UnitGroup | None, by: Operator | None, at: datetime, **fields: Unpack[GroupFields]
) -> UnitGroup:
    """Make or change a group. Raises FormRefusal."""
    bump_roster()
    group = draft(UnitGroup, instance, fields)
    problems = rules.group_problems(group) | name_taken(group)
    if instance is not None and group.parent_id in with_descendants([instance.pk]):
        problems["parent"] = Problem(_("A group cannot lie within itself."))
    elif group.parent is not None and group.parent.retired_at is not None:
        problems["parent"] = gone(group.parent)
    if instance is not None:
        problems |= outside(by, "", [instance])
    if instance is None or instance.parent_id != group.parent_id:
        problems |= outside(by, "parent", [group.parent])
    refuse(problems)
    return keep(group, instance=instance, fields=fields, by=by, at=at, action="estate.group", subject=group.name)


@transaction.atomic
def save_gateway(
    *, instance: Gateway | None, by: Operator | None, at: datetime, **fields: Unpack[GatewayFields]
) -> Gateway:
    """Make or change a gateway. Raises FormRefusal."""
    bump_roster()
    fields = protected(instance, fields)
    gateway = draft(Gateway, instance, fields)
    problems = rules.gateway_problems(gateway) | name_taken(gateway)
    fresh = instance is None or instance.secure_until != gateway.secure_until
    problems |= protection.problems(gateway, selectors.site(), at=at if fresh else None)
    if gateway.kind in KINDS_BY_TCP and gateway.host and gateway.port:
        same = Gateway.objects.filter(host=gateway.host, port=gateway.port, kind__in=KINDS_BY_TCP)
        other = same.filter(retired_at__isnull=True).exclude(pk=gateway.pk).first()
        if other is not None:
            problems.setdefault("port", rules.address_taken(gateway, other.name))
    if gateway.zone is not None and gateway.zone.retired_at is not None:
        problems["zone"] = gone(gateway.zone)
    problems |= outside(by, "zone", [gateway.zone, *([instance.zone] if instance is not None else [])])
    refuse(problems)
    return keep(gateway, instance=instance, fields=fields, by=by, at=at, action="estate.gateway", subject=gateway.name)


def protected(instance: Gateway | None, fields: GatewayFields) -> GatewayFields:
    """The fields with the usual protection of the kind, where nobody said and the kind is new."""
    kind = fields.get("kind")
    if kind is None or "secure" in fields or (instance is not None and instance.kind == kind):
        return fields
    return {**fields, "secure": protection.usual(kind)}


@transaction.atomic
def save_line(*, instance: Line | None, by: Operator | None, at: datetime, **fields: Unpack[LineFields]) -> Line:
    """Make or change a line. Raises FormRefusal."""
    bump_roster()
    line = draft(Line, instance, fields)
    gateway = line.gateway if line.gateway_id else None
    problems = rules.line_problems(line, gateway) | name_taken(line)
    if gateway is not None:
        same = Line.objects.filter(gateway=gateway, channel=line.channel, retired_at__isnull=True)
        other = same.exclude(pk=line.pk).first()
        if other is not None:
            problems.setdefault("channel", rules.channel_taken(line, other.name))
        if gateway.retired_at is not None:
            problems["gateway"] = gone(gateway)
        problems |= outside(by, "gateway", [gateway.zone])
    if instance is not None:
        problems |= outside(by, "", [instance.gateway.zone])
        kinds = {seat.profile for seat in seats(line)}
        if len(kinds) > 1 and not line.mixed:
            problems["mixed"] = Problem(_("There are several kinds on it: %(kinds)s"), {"kinds": ", ".join(kinds)})
    refuse(problems)
    return keep(line, instance=instance, fields=fields, by=by, at=at, action="estate.line", subject=line.name)


@transaction.atomic
def save_premises(
    *, instance: Premises | None, by: Operator | None, at: datetime, **fields: Unpack[PremisesFields]
) -> Premises:
    """Make or change a unit number. Raises FormRefusal. A number that was retired comes back into use."""
    premises = draft(Premises, instance, fields)
    problems = rules.premises_problems(premises)
    other = Premises.objects.filter(number=premises.number).exclude(pk=premises.pk).first()
    if other is not None and instance is None and other.retired_at is not None:
        Premises.objects.filter(pk=other.pk).update(retired_at=None)
        other.retired_at = None
        instance, premises = other, draft(Premises, other, fields)
    elif other is not None:
        problems["number"] = Problem(rules.TAKEN, {"name": premises.number})
    if premises.group is not None and premises.group.retired_at is not None:
        problems["group"] = gone(premises.group)
    problems |= outside(by, "group", [premises.group, *([instance.group] if instance is not None else [])])
    refuse(problems)
    action, subject = "estate.premises", premises.number
    return keep(premises, instance=instance, fields=fields, by=by, at=at, action=action, subject=subject)


@transaction.atomic
def save_meter(*, instance: Meter | None, by: Operator | None, at: datetime, **fields: Unpack[MeterFields]) -> Meter:
    """Make or change a meter. Raises FormRefusal, on the line's rules too: 32 devices, one kind, one address each."""
    bump_roster()
    meter = draft(Meter, instance, fields)
    problems = _meter_problems(meter, instance)
    if meter.line_id and (instance is None or instance.line_id != meter.line_id):
        problems |= outside_line(by, meter.line)
    if meter.premises is not None:
        problems |= outside(by, "premises", [meter.premises.group])
    if instance is not None:
        problems |= outside(by, "", [instance.premises.group if instance.premises else instance.line.gateway.zone])
    refuse(problems)
    return keep(meter, instance=instance, fields=fields, by=by, at=at, action="estate.meter", subject=meter.name)


def seats(line: Line, *, without: Meter | None = None) -> list[Seat]:
    """The living devices of a line, for its rules."""
    rows = Meter.objects.filter(line=line, retired_at__isnull=True).order_by("pk")
    if without is not None and without.pk is not None:
        rows = rows.exclude(pk=without.pk)
    return [Seat(*row) for row in rows.values_list("name", "address", "profile")]


def gone(thing: UnitGroup | Gateway | Line | Premises) -> Problem:
    """The problem of leaning on something retired."""
    return Problem(_("%(name)s is no longer in use."), {"name": str(thing)})


def _meter_problems(meter: Meter, instance: Meter | None) -> Problems:
    problems = rules.meter_problems(meter) | name_taken(meter)
    if meter.serial and "serial" not in problems:
        same = Meter.objects.filter(serial=meter.serial, retired_at__isnull=True).exclude(pk=meter.pk).first()
        if same is not None:
            problems["serial"] = rules.serial_taken(meter, same.name)
    if not meter.line_id:
        return problems | {"line": rules.NEEDED}
    if meter.line.retired_at is not None:
        problems["line"] = gone(meter.line)
    if meter.premises is not None and meter.premises.retired_at is not None:
        problems["premises"] = gone(meter.premises)
    moved = instance is not None and instance.premises_id != meter.premises_id
    # The agreements are a table of the customers app; the relation is known here by its name alone.
    if moved and instance is not None and instance.agreements.filter(unbound_at__isnull=True).exists():
        problems["premises"] = Problem(_("This meter serves an open customer: it cannot move to another unit."))
    seated = rules.seat_problems(meter, line=meter.line, others=seats(meter.line, without=instance))
    return seated | problems


def ensure_site(*, name: str, at: datetime, demo: bool = False) -> Site:
    """The site's one row, made at set-up. An existing one stays as it is."""
    site, made = Site.objects.get_or_create(id=1, defaults={"name": name, "demo": demo})
    if made or (not site.name and name):
        Site.objects.filter(id=1).update(name=name, demo=demo)
        site.refresh_from_db()
        record(by=None, at=at, action="estate.site.create", subject=name)
    return site


@transaction.atomic
def save_site(*, by: Operator | None, at: datetime, **fields: Unpack[SiteFields]) -> Site:
    """Change the site's defaults (F10). Raises FormRefusal; an operator of a part of the building may not."""
    bump_roster()
    instance = Site.objects.get(id=1)
    site = draft(Site, instance, fields)
    wrong = protection.networks_problem(site.private_networks)
    refuse(outside(by, "", [None]) | rules.site_problems(site) | ({"private_networks": wrong} if wrong else {}))
    names = [name for name in fields if getattr(instance, name) != getattr(site, name)]
    if names:
        site.save(update_fields=names)
        before = {name: plain(getattr(instance, name)) for name in names}
        after = {name: plain(getattr(site, name)) for name in names}
        data = {"before": before, "after": after}
        record(by=by, at=at, action="estate.site.edit", subject=site.name, summary=", ".join(names), data=data)
    return site
