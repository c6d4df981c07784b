"""Small things of a building for tests: each maker fills in what a test does not care about.

Everything goes through the real services, so a test's building obeys the rules of the house.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from prewatt.office.customers import services as customers
from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.estate import services as estate
from prewatt.office.estate.models import Gateway, Line, Meter, Premises, Site, UnitGroup
from prewatt.office.operators import services as operators
from prewatt.office.operators.models import Operator, Role

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai, a Monday
PASSWORD = "correct-horse-battery"
SINGLE_PHASE = "acrel-ddsy1352-nk"
THREE_PHASE = "acrel-dtsy1352-nk"
_number = count(1)


def make_operator(role: str | None = "administrator", *, groups: tuple[UnitGroup, ...] = (), **fields: Any) -> Operator:
    """An operator with one built-in role (None: no rights at all), limited to ``groups`` when given."""
    operators.ensure_builtin_roles(at=AT)
    number = next(_number)
    roles = [Role.objects.get(code=role)] if role else [_empty_role()]
    defaults: dict[str, Any] = {"username": f"op{number}", "name": f"操作员{number}", "password": PASSWORD}
    operator = operators.create_operator(
        **{**defaults, **fields}, roles=roles, by=None, at=AT, must_change_password=False
    )
    if groups:
        estate.set_scope(operator=operator, groups=groups, by=None, at=AT)
    return operator


def make_site(**fields: Any) -> Site:
    """The site's row, with defaults changed as told."""
    estate.ensure_site(name="测试大厦", at=AT)
    return estate.save_site(by=None, at=AT, **fields)


def make_group(kind: str = "zone", *, parent: UnitGroup | None = None, **fields: Any) -> UnitGroup:
    """A group of units."""
    defaults: dict[str, Any] = {"name": f"区{next(_number)}", "kind": kind, "parent": parent}
    return estate.save_group(instance=None, by=None, at=AT, **{**defaults, **fields})


def make_gateway(**fields: Any) -> Gateway:
    """A transparent gateway on loopback with a port of its own."""
    number = next(_number)
    defaults: dict[str, Any] = {
        "name": f"网关{number}",
        "kind": "transparent",
        "host": "127.0.0.1",
        "port": 20_000 + number * 4,
    }
    return estate.save_gateway(instance=None, by=None, at=AT, **{**defaults, **fields})


def make_line(*, gateway: Gateway | None = None, **fields: Any) -> Line:
    """A line at the gateway's next free channel."""
    gateway = gateway or make_gateway()
    channel = Line.objects.filter(gateway=gateway).count() + 1
    defaults: dict[str, Any] = {"name": f"总线{next(_number)}", "gateway": gateway, "channel": channel}
    return estate.save_line(instance=None, by=None, at=AT, **{**defaults, **fields})


def make_premises(**fields: Any) -> Premises:
    """A unit number."""
    return estate.save_premises(instance=None, by=None, at=AT, **{"number": f"U{next(_number):04d}", **fields})


def make_meter(*, line: Line | None = None, premises: Premises | None = None, **fields: Any) -> Meter:
    """A single-phase meter at the line's next free address."""
    line = line or make_line()
    number = next(_number)
    defaults: dict[str, Any] = {
        "name": f"表{number}",
        "line": line,
        "address": Meter.objects.filter(line=line).count() + 1,
        "profile": SINGLE_PHASE,
        "serial": f"{260000000000 + number}",
        "premises": premises,
    }
    return estate.save_meter(instance=None, by=None, at=AT, **{**defaults, **fields})


def make_agreement(
    *, meter: Meter | None = None, premises: Premises | None = None, by: Operator | None = None, **fields: Any
) -> SupplyAgreement:
    """An open supply: one unit, one meter, one customer."""
    premises = premises or (meter.premises if meter else None) or make_premises()
    if meter is None:
        meter = premises.meters.first() or make_meter(premises=premises)
    elif meter.premises_id != premises.pk:
        meter = estate.save_meter(instance=meter, by=None, at=AT, premises=premises)
    defaults: dict[str, Any] = {"name": f"商户{next(_number)}", "phone": "13800000000", "meters": [meter]}
    return customers.open_supply(premises=premises, by=by, at=AT, **{**defaults, **fields})


def _empty_role() -> Role:
    return Role.objects.get_or_create(code="nothing", defaults={"name": "nothing", "rights": []})[0]
