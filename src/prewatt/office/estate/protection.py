"""How the way to a gateway is protected, and where clear text is allowed: on networks the site declares private."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop as _

from prewatt.office.estate.errors import Problem
from prewatt.office.estate.models import Gateway, GatewayKind, Protection, Site
from prewatt.office.estate.rules import Problems, choice_problem

# what each kind can do, the usual first
MODES: dict[str, tuple[Protection, ...]] = {
    GatewayKind.TRANSPARENT: (Protection.CLEAR, Protection.TLS, Protection.RECORDS),
    GatewayKind.MODBUS_TCP: (Protection.CLEAR,),
    GatewayKind.SERIAL: (Protection.CLEAR,),
    GatewayKind.PREWATT: (Protection.TLS, Protection.RECORDS),
    GatewayKind.ACREL: (Protection.CLEAR,),
}
LOCAL_SUFFIXES = (".local", ".lan", ".internal", ".home.arpa", ".localhost")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Standing(StrEnum):
    """What the console says about a gateway's protection."""

    LOCAL = "local"  # a serial port: there is no network
    TLS = "tls"
    RECORDS = "3des"
    EXPIRED = "3des-expired"
    CLEAR = "clear"  # on a network declared private
    WEAK = "weak"  # a maker's own protocol, there as well
    FORBIDDEN = "forbidden"  # clear or weak, and the network is not private: it is not read


def usual(kind: str) -> Protection:
    """The protection of a new gateway of that kind when nobody says."""
    return MODES.get(kind, (Protection.CLEAR,))[0]


def networks(text: str) -> list[Network]:
    """Networks as the site lists them, with blanks or commas between. Raises ValueError that names the wrong one."""
    return [ipaddress.ip_network(word) for word in text.replace(",", " ").replace("，", " ").split()]


def is_private(gateway: Gateway, declared: Iterable[Network]) -> bool:
    """Whether the site declares the gateway's network private: by its address, or for this gateway by name.

    A manager that dials in has no host here: the head-end looks at the address it dials from.
    """
    if gateway.private_network or not gateway.host:
        return True
    try:
        address = ipaddress.ip_address(gateway.host)
    except ValueError:
        # a name within the house; one of the wide world has a dot and another ending
        name = gateway.host.lower().rstrip(".")
        return "." not in name or name.endswith(LOCAL_SUFFIXES)
    return any(address.version == one.version and address in one for one in declared)


def problems(gateway: Gateway, site: Site, *, at: datetime | None = None) -> Problems:
    """Problems of a gateway's protection. ``at``: a date that is set now must lie ahead."""
    allowed = MODES.get(gateway.kind)
    if allowed is None:
        return {}
    found: Problems = {}
    wrong = choice_problem(gateway.secure, allowed)
    if wrong is not None:
        return {"secure": wrong}
    if gateway.secure == Protection.RECORDS:
        if gateway.secure_until is None:
            found["secure_until"] = Problem(_("Triple DES needs the day until which it is allowed."))
        elif at is not None and ends(gateway.secure_until, ZoneInfo(site.time_zone)) <= at:
            found["secure_until"] = Problem(_("This day is over."))
    on_network = gateway.secure == Protection.CLEAR and gateway.kind != GatewayKind.SERIAL
    if on_network and not is_private(gateway, networks(site.private_networks)):
        found["host"] = Problem(
            _("%(host)s is on no network that the site declares private: clear text is not allowed there."),
            {"host": gateway.host},
        )
    return found


def networks_problem(text: str) -> Problem | None:
    """The site's list must be networks."""
    try:
        networks(text)
    except ValueError as error:
        return Problem(_("This is not a list of networks: %(why)s"), {"why": str(error)})
    return None


def ends(day: date, zone: tzinfo) -> datetime:
    """The moment from which a mode allowed until that day is refused."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def standing(gateway: Gateway, site: Site, now: datetime) -> Standing:
    """How the way to a gateway is protected at this moment."""
    if gateway.kind == GatewayKind.SERIAL:
        return Standing.LOCAL
    if gateway.secure == Protection.TLS:
        return Standing.TLS
    if gateway.secure == Protection.RECORDS:
        over = gateway.secure_until is None or ends(gateway.secure_until, ZoneInfo(site.time_zone)) <= now
        return Standing.EXPIRED if over else Standing.RECORDS
    if not is_private(gateway, networks(site.private_networks)):
        return Standing.FORBIDDEN
    return Standing.WEAK if gateway.kind == GatewayKind.ACREL else Standing.CLEAR
