"""Rules of the wire and of the form, as pure functions: the edit pages and the workbook import judge by the same ones.

Each gives a problem for a field name; nothing here asks the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext_noop as _

from prewatt.meters import registry
from prewatt.office.estate.errors import Problem
from prewatt.office.estate.models import (
    Gateway,
    GatewayKind,
    GroupKind,
    Line,
    Meter,
    MeterRole,
    Parity,
    Premises,
    Site,
    UnitGroup,
)

DEVICES_A_LINE = 32  # unit loads an RS-485 driver carries without a repeater
ADDRESSES = range(1, 248)  # Modbus over serial line V1.02, 2.2
CHANNELS = range(1, 65)
BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
PORTS = range(1, 65536)
INT_LIMIT = 2**31
PAGE_WORDS = frozenset({"live", "read-now"})  # what follows a unit number in addresses of the console

Problems = dict[str, Problem]
NEEDED = Problem(_("This field is needed."))
TAKEN = _("The name %(name)s is taken.")
KINDS_BY_TCP = {GatewayKind.TRANSPARENT, GatewayKind.MODBUS_TCP}


class Seat(NamedTuple):
    """What the rules of a line need to know of another device on it."""

    name: str
    address: int
    profile: str


def name_problems(name: str, longest: int = 80) -> Problems:
    """A name must be there and fit."""
    if not name:
        return {"name": NEEDED}
    if len(name) > longest:
        return {"name": Problem(_("At most %(most)s characters."), {"most": longest})}
    return {}


def choice_problem(value: str, choices: Iterable[str]) -> Problem | None:
    """A value must be one of the allowed ones."""
    allowed = list(choices)
    if value in allowed:
        return None
    return Problem(
        _("%(value)s is not allowed. Allowed: %(allowed)s"), {"value": value or "—", "allowed": ", ".join(allowed)}
    )


def range_problem(value: int | None, allowed: range) -> Problem | None:
    """A number must lie in a range."""
    if value is None or value in allowed:
        return None
    return Problem(
        _("%(value)s is out of range: %(least)s to %(most)s."),
        {"value": value, "least": allowed.start, "most": allowed.stop - 1},
    )


def group_problems(group: UnitGroup) -> Problems:
    """Form of a group."""
    found: dict[str, Problem | None] = {**name_problems(group.name)}
    found["kind"] = choice_problem(group.kind, GroupKind.values)
    return _present(found)


def gateway_problems(gateway: Gateway) -> Problems:
    """Form of a gateway: a serial one needs its device, the others on the network a host and a port."""
    found: dict[str, Problem | None] = {**name_problems(gateway.name)}
    found["kind"] = choice_problem(gateway.kind, GatewayKind.values)
    found["port"] = range_problem(gateway.port, PORTS)
    if gateway.kind == GatewayKind.SERIAL and not gateway.device:
        found["device"] = Problem(_("A serial gateway needs its device, such as /dev/ttyUSB0."))
    if gateway.kind in KINDS_BY_TCP:
        if not gateway.host:
            found["host"] = Problem(_("A gateway on the network needs its host."))
        elif any(mark in gateway.host for mark in " /\\@?#"):
            found["host"] = Problem(_("A host is a name or an address, without a port or a path."))
        if gateway.port is None:
            found["port"] = Problem(_("A gateway on the network needs its port."))
    return _present(found | _length_problems(gateway, ("host", "device", "cabinet")))


def line_problems(line: Line, gateway: Gateway | None) -> Problems:
    """Form of a line: channel, baud rate, parity. Channel n of a transparent gateway is port + n - 1."""
    found: dict[str, Problem | None] = {**name_problems(line.name)}
    found["channel"] = range_problem(line.channel, CHANNELS)
    if line.baud not in BAUD_RATES:
        found["baud"] = choice_problem(str(line.baud), map(str, BAUD_RATES))
    found["parity"] = choice_problem(line.parity, Parity.values)
    if gateway is None:
        found["gateway"] = NEEDED
    elif gateway.kind == GatewayKind.TRANSPARENT and gateway.port and gateway.port + line.channel - 1 not in PORTS:
        found["channel"] = Problem(_("The gateway's port and this channel lead beyond port 65535."))
    return _present(found)


def _fits_an_address(number: str) -> bool:
    """Whether a unit number can stand in the address of its page: browsers shorten an address by dots and breaks."""
    parts = number.split("/")
    if any(ord(one) < 32 for one in number) or {"", ".", ".."} & set(parts):
        return False
    return len(parts) < 2 or parts[-1] not in PAGE_WORDS


def premises_problems(premises: Premises) -> Problems:
    """Form of a unit number."""
    found: dict[str, Problem | None] = {}
    if not premises.number:
        found["number"] = NEEDED
    elif not _fits_an_address(premises.number):
        found["number"] = Problem(_("A unit number may hold / between two parts, but no part that is empty, . or .."))
    if premises.area_cm2 is not None and not 0 <= premises.area_cm2 < 10**12:
        found["area"] = Problem(_("The area must be 0 or more."))
    return _present(found | _length_problems(premises, ("number", "name", "use")))


def meter_problems(meter: Meter) -> Problems:
    """Form of a meter by itself: address, profile, ratios."""
    found: dict[str, Problem | None] = {**name_problems(meter.name)}
    if meter.address is None:
        found["address"] = NEEDED
    else:
        found["address"] = range_problem(meter.address, ADDRESSES)
    if meter.profile not in registry.names():
        found["profile"] = Problem(
            _("There is no profile %(profile)s. Known: %(known)s"),
            {"profile": meter.profile or "—", "known": ", ".join(registry.names())},
        )
    elif registry.get(meter.profile).codec == "dlt645" and not _is_dlt_address(meter.serial):
        found["serial"] = Problem(_("A DL/T 645 meter is called by its serial number: up to 12 digits."))
    found["role"] = choice_problem(meter.role, MeterRole.values)
    for ratio in ("ct", "pt"):
        found[ratio] = range_problem(getattr(meter, ratio), range(1, 100_000))
    found["place"] = range_problem(meter.place, range(1, 1000))
    return _present(found | _length_problems(meter, ("serial", "cabinet", "circuit")))


def _is_dlt_address(serial: str) -> bool:
    return serial.isascii() and serial.isdigit() and len(serial) <= 12


def seat_problems(meter: Meter, *, line: Line, others: Iterable[Seat]) -> Problems:
    """Rules of a line: at most 32 devices, of one kind unless the line is mixed, each at an address of its own."""
    seats = list(others)
    found: Problems = {}
    for seat in seats:
        if seat.address == meter.address:
            found["address"] = Problem(
                _("Address %(address)s of line %(line)s is taken by %(name)s."),
                {"address": meter.address, "line": line.name, "name": seat.name},
            )
    if len(seats) >= DEVICES_A_LINE:
        found["line"] = Problem(
            _("Line %(line)s has %(most)s devices already: this would be number %(number)s."),
            {"line": line.name, "most": DEVICES_A_LINE, "number": len(seats) + 1},
        )
    if seats and not line.mixed and seats[0].profile != meter.profile:
        found["profile"] = Problem(
            _("Line %(line)s has devices of another kind (%(kind)s). Mark the line as mixed if that is meant."),
            {"line": line.name, "kind": seats[0].profile},
        )
    return found


def address_taken(gateway: Gateway, other: str) -> Problem:
    """Two gateways cannot answer at one host and port."""
    place = f"{gateway.host}:{gateway.port}"
    return Problem(_("%(place)s is the address of gateway %(name)s already."), {"place": place, "name": other})


def channel_taken(line: Line, other: str) -> Problem:
    """A channel of a gateway carries one line."""
    return Problem(_("Channel %(channel)s carries line %(name)s already."), {"channel": line.channel, "name": other})


def serial_taken(meter: Meter, other: str) -> Problem:
    """A serial number is the key of a purse: two meters cannot share one."""
    return Problem(
        _("Serial number %(serial)s belongs to meter %(name)s already."), {"serial": meter.serial, "name": other}
    )


def site_problems(site: Site) -> Problems:
    """Defaults of the site (F10) must fit together."""
    found: dict[str, Problem | None] = {**name_problems(site.name)}
    for field in ("alarm_1_fen", "alarm_2_fen", "overdraft_fen", "stored_credit_max_fen", "sale_min_fen", "price"):
        found[field] = range_problem(getattr(site, field), range(INT_LIMIT))
    found["sale_max_fen"] = range_problem(site.sale_max_fen, range(site.sale_min_fen, INT_LIMIT))
    found["read_interval_s"] = range_problem(site.read_interval_s, range(60, 86_401))
    found["sweep_pause_s"] = range_problem(site.sweep_pause_s, range(3601))
    found["power_limit_w"] = range_problem(site.power_limit_w, range(INT_LIMIT))
    if site.alarm_2_fen > site.alarm_1_fen:
        found["alarm_2_fen"] = Problem(_("Alarm level 2 comes after level 1: it must not be higher."))
    if site.sale_min_fen < 1:
        found["sale_min_fen"] = Problem(_("The smallest sale must be above 0."))
    try:
        ZoneInfo(site.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        found["time_zone"] = Problem(_("This time zone is not known."))
    return _present(found)


def _length_problems(thing: Gateway | Premises | Meter, fields: Iterable[str]) -> Problems:
    found: Problems = {}
    for field in fields:
        most = getattr(type(thing)._meta.get_field(field), "max_length", None)  # noqa: SLF001
        if most is not None and len(getattr(thing, field)) > most:
            found[field] = Problem(_("At most %(most)s characters."), {"most": most})
    return found


def _present(found: Mapping[str, Problem | None]) -> Problems:
    return {field: problem for field, problem in found.items() if problem is not None}
