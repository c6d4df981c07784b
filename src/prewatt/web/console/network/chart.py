"""What the connection diagram is drawn from: plain values, so that two pictures can be compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from prewatt.core.chain import Break, Suspicion, suspect
from prewatt.core.supply import Contact
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import Gateway, GatewayKind, Line, Meter
from prewatt.office.readings import selectors as readings
from prewatt.office.readings.models import LineState
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.base.templatetags.console import stamp
from prewatt.web.console.network import words

BAD_PERMILLE = 20  # failed exchanges in a thousand from which a line is worth a look
LATELY = timedelta(minutes=10)
REPORTS_WITHIN = timedelta(minutes=2)  # a head-end that works tells of its lines four times a minute


@dataclass(frozen=True, slots=True)
class Device:
    """One meter on the cable."""

    place: int
    contact: str
    hint: str
    href: str
    cut: bool  # the suspected joint is in front of it


@dataclass(frozen=True, slots=True)
class Cabinet:
    """Devices next to each other in one cabinet."""

    name: str
    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A line with its devices."""

    name: str
    href: str
    settings: str
    cabinets: tuple[Cabinet, ...]
    count: int
    answering: int
    contact: str
    fault: str  # where to look, in words
    at_head: bool  # the fault is in front of the first device
    per_minute: int | None
    failed_permille: int | None
    bad: bool
    p50_ms: int
    p95_ms: int
    busy_permille: int
    logged: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A gateway with its lines."""

    pk: int
    name: str
    href: str
    contact: str
    since: datetime | None
    reason: str
    kind: str
    icon: str
    reached_at: str
    cabinet: str
    zone: str
    chains: tuple[Chain, ...]
    work: bool


@dataclass(frozen=True, slots=True)
class Server:
    """The head of the diagram, and the sum of all that hangs on it."""

    reports: bool  # the head-end told something lately
    gateways: int
    gateways_out: int
    meters: int
    meters_ok: int
    meters_out: int
    meters_unknown: int


_ICONS = {
    GatewayKind.SERIAL.value: "usb",
    GatewayKind.TRANSPARENT.value: "route",
    GatewayKind.MODBUS_TCP.value: "network",
    GatewayKind.PREWATT.value: "shield-lock",
    GatewayKind.ACREL.value: "cloud-up",
}


def server(request: ConsoleRequest) -> Server:
    """The figures over everything the operator may see."""
    contacts = list(estate.meters(request.user).values_list("state__contact", flat=True))
    gateways = list(estate.gateways(request.user).values_list("state__contact", flat=True))
    newest = readings.line_states(request.user).order_by(F("at").desc(nulls_last=True)).first()
    heard = newest is not None and newest.at is not None and request.clock.now() - newest.at < REPORTS_WITHIN
    ok, out = contacts.count(Contact.OK), contacts.count(Contact.OUT)
    return Server(
        heard, len(gateways), gateways.count(Contact.OUT), len(contacts), ok, out, len(contacts) - ok - out
    )  # fmt: skip


def drawn(request: ConsoleRequest, gateways: Sequence[Gateway]) -> list[Node]:
    """The gateways with everything on them."""
    lines: dict[int, list[Line]] = defaultdict(list)
    of_these = estate.lines(request.user).filter(gateway__in=[gateway.pk for gateway in gateways])
    for line in of_these.select_related("gateway", "state").order_by("channel", "pk"):
        lines[line.gateway_id].append(line)
    all_lines = [line for some in lines.values() for line in some]
    meters = _meters(request, all_lines)
    lately = _per_minute(request, all_lines)
    return [
        _node(request, gateway, [_chain(request, line, meters[line.pk], lately) for line in lines[gateway.pk]])
        for gateway in gateways
    ]


def _meters(request: ConsoleRequest, lines: Iterable[Line]) -> dict[int, list[Meter]]:
    """Devices in chain order, as the head-end asks them."""
    found: dict[int, list[Meter]] = defaultdict(list)
    rows = estate.meters(request.user).filter(line__in=[line.pk for line in lines]).select_related("state", "premises")
    for meter in rows.order_by(F("place").asc(nulls_last=True), "address"):
        found[meter.line_id].append(meter)
    return found


def _per_minute(request: ConsoleRequest, lines: Sequence[Line]) -> dict[int, tuple[int, int]]:
    """Exchanges a minute in the newest slice, and failed ones in a thousand lately."""
    now = request.clock.now()
    sums: dict[int, list[int]] = {}
    recent = readings.line_history(request.user, now - LATELY).filter(line__in=[line.pk for line in lines])
    for row in recent:
        exchanges, failed, reports = sums.setdefault(row.line_id, [0, 0, 0])
        sums[row.line_id] = [exchanges + row.exchanges, failed + row.failed, reports + row.reports]
    # a report stands for a quarter of a minute
    return {
        line: (4 * exchanges // max(reports, 1), failed * 1000 // max(exchanges, 1))
        for line, (exchanges, failed, reports) in sums.items()
    }


def _node(request: ConsoleRequest, gateway: Gateway, chains: list[Chain]) -> Node:
    state = getattr(gateway, "state", None)
    serial = gateway.kind == GatewayKind.SERIAL
    return Node(
        pk=gateway.pk,
        name=gateway.name,
        href=reverse("estate:gateway", args=[gateway.pk]) if "estate.view" in request.rights else "",
        contact=state.contact if state else Contact.UNKNOWN.value,
        since=state.since if state else None,
        reason=words.reason(state.reason) if state and state.contact == Contact.OUT else "",
        kind=gateway.get_kind_display(),
        icon=_ICONS.get(gateway.kind, "router"),
        reached_at=gateway.device if serial else f"{gateway.host}:{gateway.port}" if gateway.host else "",
        cabinet=gateway.cabinet,
        zone=gateway.zone.name if gateway.zone else "",
        chains=tuple(chains),
        work=state is not None and state.contact == Contact.OUT and "workorder.edit" in request.rights,
    )


def _chain(request: ConsoleRequest, line: Line, meters: list[Meter], lately: dict[int, tuple[int, int]]) -> Chain:
    contacts = [_contact(meter) for meter in meters]
    found = suspect(contacts)
    places = [meter.place or number for number, meter in enumerate(meters, 1)]
    state: LineState | None = getattr(line, "state", None)
    # what a line did before its gateway went says nothing of now
    away = _of_line(contacts) is Contact.UNKNOWN
    per_minute, failed = (None, None) if away else lately.get(line.pk, (None, None))
    return Chain(
        name=line.name,
        href=_line_href(request, line),
        settings=f"{line.baud} 8{line.parity}1",
        cabinets=_cabinets(request, meters, places, contacts, found),
        count=len(meters),
        answering=contacts.count(Contact.OK),
        contact=_of_line(contacts).value,
        fault=words.break_at(found, places),
        at_head=found.kind is Break.HEAD,
        per_minute=per_minute,
        failed_permille=failed,
        bad=failed is not None and failed >= BAD_PERMILLE,
        p50_ms=state.latency_p50_ms if state else 0,
        p95_ms=state.latency_p95_ms if state else 0,
        busy_permille=state.busy_permille if state else 0,
        logged=line.log_frames,
    )


def _cabinets(
    request: ConsoleRequest, meters: list[Meter], places: list[int], contacts: list[Contact], found: Suspicion
) -> tuple[Cabinet, ...]:
    rows = [
        (meter.cabinet, _device(request, meter, place, contact, cut=found.kind is Break.JOINT and n == found.before))
        for n, (meter, place, contact) in enumerate(zip(meters, places, contacts, strict=True))
    ]
    return tuple(
        Cabinet(name, tuple(device for _name, device in some)) for name, some in groupby(rows, key=lambda row: row[0])
    )


def _device(request: ConsoleRequest, meter: Meter, place: int, contact: Contact, *, cut: bool) -> Device:
    return Device(place, contact.value, _hint(meter, contact), _meter_href(request, meter), cut)


def _hint(meter: Meter, contact: Contact) -> str:
    """What a device says when pointed at."""
    state = getattr(meter, "state", None)
    unit = meter.premises.number if meter.premises else ""
    parts = [meter.name, unit if unit not in meter.name else "", _("address %(n)s") % {"n": meter.address}]
    if contact is Contact.OUT and state is not None:
        parts.append(words.tried(state.failed_rounds, state.contact_reason))
        if state.last_good_at:
            parts.append(_("last good answer %(at)s") % {"at": stamp(state.last_good_at)})
    elif contact is Contact.UNKNOWN:
        parts.append(_("not known: its gateway is away, or it was never asked"))
    return " · ".join(part for part in parts if part)


def _contact(meter: Meter) -> Contact:
    state = getattr(meter, "state", None)
    return Contact(state.contact) if state else Contact.UNKNOWN


def _of_line(contacts: list[Contact]) -> Contact:
    """A line answers when anybody on it does."""
    if Contact.OK in contacts:
        return Contact.OK
    return Contact.OUT if Contact.OUT in contacts else Contact.UNKNOWN


def _meter_href(request: ConsoleRequest, meter: Meter) -> str:
    if meter.premises is not None and "unit.view" in request.rights:
        return reverse("units:page", args=[meter.premises.number])
    return reverse("estate:meter", args=[meter.pk]) if "estate.view" in request.rights else ""


def _line_href(request: ConsoleRequest, line: Line) -> str:
    if "lines.log" in request.rights:
        return reverse("lines:frames", args=[line.pk])
    return reverse("estate:line", args=[line.pk]) if "estate.view" in request.rights else ""
