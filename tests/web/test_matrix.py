"""Every route × every built-in role × own and other building: allowed or forbidden as the route's right says.

A route that names no right fails; so does one with an argument this test cannot make, until somebody adds it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from prewatt.core.clock import SteppedClock
from prewatt.office.controls.line_services import request_scan
from prewatt.office.controls.services import request_read_now
from prewatt.office.controls.work import open_work_order
from prewatt.office.estate.models import Premises
from prewatt.office.operators.models import OperationLog, Operator, Role
from prewatt.office.operators.rights import BUILTIN_ROLES, RIGHTS
from prewatt.office.vending.models import Receipt
from prewatt.web.console.base.access import OWN, PUBLIC
from prewatt.web.console.estate import importing, uploads
from tests.office import factories
from tests.web.shop import NAMES, Shop

FORBIDDEN = 403
ROLES = [role.code for role in BUILTIN_ROLES]

# Routes that are not about a building: what they show belongs to the site or to the person who asks.
SITE_WIDE = {
    "operators:edit", "operators:active", "operators:password", "operators:role", "operators:log_entry",
    "estate:import_checked", "estate:import_errors", "estate:import_apply",
}  # fmt: skip
# Lists that name the whole site on purpose: people, and the log of what they did.
NAMES_EVERYTHING = {"operators:list", "operators:log", "operators:roles", "operators:role_new", "operators:new"}


@dataclass(frozen=True)
class Route:
    """One URL pattern with its view's right."""

    name: str
    arguments: tuple[str, ...]
    view: Callable[..., Any]

    @property
    def rights(self) -> frozenset[str]:
        """Any one of these opens it."""
        return frozenset(getattr(self.view, "rights", ()) or (getattr(self.view, "right", ""),))


def walk(resolver: URLResolver, space: str = "") -> Iterator[Route]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from walk(entry, f"{space}{entry.namespace}:" if entry.namespace else space)
        else:
            assert isinstance(entry, URLPattern)
            yield Route(f"{space}{entry.name}", tuple(entry.pattern.regex.groupindex), entry.callback)


ROUTES = [route for route in walk(get_resolver()) if route.view.__module__.startswith("prewatt.")]
GUARDED = [route for route in ROUTES if getattr(route.view, "right", None) not in {PUBLIC, OWN, None}]


class World:
    """The selling building with one of everything in zone A and in zone B."""

    def __init__(self) -> None:
        self.shop = Shop(SteppedClock(datetime(2026, 11, 23, 1, 0, tzinfo=UTC)))
        factories.make_site(demo=True)
        self.orders = [self.shop.sell(place) for place in (0, 2)]
        self.receipts = [Receipt.objects.filter(order=order).first() for order in self.orders]
        self.reads = [
            request_read_now(meters=[self.shop.meters[place]], key=f"k{place}", by=None, at=factories.AT)[0]
            for place in (0, 2)
        ]
        lines = [self.shop.meters[place].line for place in (0, 2)]
        self.scans = [
            request_scan(line=line, first=1, last=9, settings=(), key="k", by=None, at=factories.AT) for line in lines
        ]
        boss = factories.make_operator("administrator", username="boss")
        self.work = [
            open_work_order(at_thing=self.shop.meters[place + 1], person="王师傅", note="", by=boss, at=factories.AT)
            for place in (0, 2)
        ]
        self.target = factories.make_operator("auditor", username="target", name="某人")
        self.role = Role.objects.get(code="auditor")
        self.entry = OperationLog.objects.latest("pk")

    def argument(self, route: Route, name: str, place: int, operator: Operator) -> Any:
        """A value for an argument of a route: place 0 lies in zone A, place 1 in zone B."""
        door, page = route.name.split(":")
        unit: Premises = self.shop.units[place * 2]
        meter = self.shop.meters[place * 2]
        things = {
            "group": self.shop.floors[place], "gateway": meter.line.gateway, "line": meter.line, "meter": meter, "premise": unit,
        }  # fmt: skip
        made: dict[tuple[str, str], Callable[[], Any]] = {
            ("units", "number"): lambda: unit.number,
            ("units", "orders"): lambda: str(self.reads[place].pk),
            ("lines", "pk"): lambda: meter.line_id,
            ("customers", "number"): lambda: self.shop.agreements[place * 2].number,
            ("counter", "number"): lambda: (
                (self.receipts[place] if page in {"receipt", "print"} else self.orders[place]).number
            ),
            ("estate", "token"): lambda: self.upload(operator),
            ("estate", "pk"): lambda: (
                (self.reads[place] if page == "read_now_result" else things[page.split("_")[0]]).pk
            ),
            ("network", "pk"): lambda: (
                {
                    "silent_work_meter": meter,
                    "silent_work_gateway": meter.line.gateway,
                    "silent_work_order": self.work[place],
                }.get(page, self.scans[place]).pk
            ),
            ("operators", "pk"): lambda: {"role": self.role, "log_entry": self.entry}.get(page, self.target).pk,
        }
        assert (door, name) in made, f"say in World.argument what {name} of {route.name} is"
        return made[door, name]()

    def upload(self, operator: Operator) -> str:
        return uploads.keep(
            importing.folder(), b"PK", name="x.xlsx", operator=operator.pk, at=datetime(2026, 11, 23, tzinfo=UTC)
        ).token

    def address(self, route: Route, place: int, operator: Operator) -> str:
        values = {name: self.argument(route, name, place, operator) for name in route.arguments}
        return reverse(route.name, kwargs=values)


@pytest.fixture
def world(db, tmp_path, monkeypatch) -> World:
    monkeypatch.setattr(importing, "folder", lambda: tmp_path / "uploads")
    return World()


@cache
def browser() -> Client:
    """One browser for all requests: making one reads the whole middleware in."""
    return Client(raise_request_exception=False)


def knock(operator: Operator | None, address: str, method: str) -> Any:
    """One request in a session of its own; what it changed is undone."""
    client = browser()
    client.cookies.clear()
    with transaction.atomic():
        if operator is not None:
            client.force_login(operator)
        response = getattr(client, method)(address)
        transaction.set_rollback(True)
    return response


def test_every_route_names_its_right() -> None:
    bare = [route.name for route in ROUTES if not hasattr(route.view, "right")]
    assert not bare, "decorate the view with @right, @own or @public"
    unknown = {right for route in GUARDED for right in route.rights} - RIGHTS.keys()
    assert not unknown


def test_every_route_lies_in_a_room_of_ours() -> None:
    assert [route.name for route in walk(get_resolver()) if route not in ROUTES] == []


def test_every_right_opens_something() -> None:
    """A right that opens nothing would be given and mean nothing."""
    assert RIGHTS.keys() == {right for route in GUARDED for right in route.rights}


@pytest.mark.parametrize("role", [*ROLES, None])
def test_a_role_opens_what_its_rights_say_and_nothing_else(world, role) -> None:
    operator = factories.make_operator(role)
    rights = next((one.rights for one in BUILTIN_ROLES if one.code == role), frozenset())
    wrong = []
    for route in GUARDED:
        address = world.address(route, 0, operator)
        statuses = {method: knock(operator, address, method).status_code for method in ("get", "post")}
        allowed = bool(route.rights & rights)
        opened = statuses["get"] != FORBIDDEN
        if opened is not allowed or 500 in statuses.values():
            wrong.append((route.name, allowed, statuses))
        if not allowed and statuses["post"] != FORBIDDEN:
            wrong.append((route.name, allowed, statuses))
    assert not wrong


def test_whoever_is_not_signed_in_is_led_to_the_sign_in(world) -> None:
    nobody = factories.make_operator(None)
    wrong = []
    for route in ROUTES:
        if route.view.right == PUBLIC:
            continue
        for method in ("get", "post"):
            response = knock(None, world.address(route, 0, nobody), method)
            if response.status_code != 302 or not response["Location"].startswith(reverse("sign:in")):
                wrong.append((route.name, method, response.status_code))
    assert not wrong


def test_an_operator_made_inactive_is_out_at_once(world) -> None:
    operator = factories.make_operator("administrator")
    client = Client()
    client.force_login(operator)
    Operator.objects.filter(pk=operator.pk).update(is_active=False)
    assert client.get(reverse("overview:wall")).status_code == 302


@pytest.mark.parametrize("role", ROLES)
def test_what_lies_in_the_other_building_does_not_exist(world, role) -> None:
    """An operator of zone A: own things open, those of zone B are not found, whatever the method."""
    zone = world.shop.floors[0].parent
    operator = factories.make_operator(role, groups=(zone,))
    rights = next(one.rights for one in BUILTIN_ROLES if one.code == role)
    wrong = []
    for route in GUARDED:
        if not route.arguments or route.name in SITE_WIDE or not route.rights & rights:
            continue
        for method in ("get", "post"):
            own = knock(operator, world.address(route, 0, operator), method).status_code
            other = knock(operator, world.address(route, 1, operator), method).status_code
            if own in {403, 404, 500} or other not in {404, 405} or (other == 405 and own != 405):
                wrong.append((route.name, method, own, other))
    assert not wrong


@pytest.mark.parametrize("role", ROLES)
def test_no_list_tells_of_the_other_building(world, role) -> None:
    zone = world.shop.floors[0].parent
    operator = factories.make_operator(role, groups=(zone,))
    rights = next(one.rights for one in BUILTIN_ROLES if one.code == role)
    secrets = ["B-10", "B区", *NAMES[2:]]
    wrong = []
    for route in GUARDED:
        if route.arguments or route.name in NAMES_EVERYTHING or not route.rights & rights:
            continue
        response = knock(operator, reverse(route.name), "get")
        if response.streaming or not response["Content-Type"].startswith("text/html"):
            continue
        text = response.content.decode()
        wrong += [(route.name, secret) for secret in secrets if secret in text]
    assert not wrong
