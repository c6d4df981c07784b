"""The doors of the frame: what each role sees of the nine, and where it stands."""

from __future__ import annotations

import pytest

from prewatt.office.operators.rights import BUILTIN_ROLES, RIGHTS
from prewatt.web.console.base import doors
from tests.office import factories
from tests.web.base.people import browser_of

pytestmark = pytest.mark.django_db


def rights_of(role: str) -> frozenset[str]:
    return next(one.rights for one in BUILTIN_ROLES if one.code == role)


def test_there_are_nine_doors_in_their_order() -> None:
    assert [door.key for door in doors.DOORS] == [
        "overview", "counter", "customers", "energy", "supply", "prices", "alarms", "reports", "system",
    ]  # fmt: skip


def test_a_door_without_pages_is_not_shown() -> None:
    shown = doors.shown(frozenset(RIGHTS), demo=True)
    assert [door.key for door in shown] == ["overview", "counter", "customers", "system"]


def test_pages_ask_for_rights_that_exist() -> None:
    assert {code for door in doors.DOORS for page in door.pages for code in page.rights} <= RIGHTS.keys()


def test_every_page_of_a_door_exists() -> None:
    missing = [page.route for door in doors.DOORS for page in door.pages if not page.address()]
    assert missing == []


def test_an_engineer_has_no_counter_and_a_cashier_no_system() -> None:
    assert "counter" not in [door.key for door in doors.shown(rights_of("engineer"), demo=True)]
    assert "system" not in [door.key for door in doors.shown(rights_of("cashier"), demo=True)]


def test_faults_are_shown_on_a_demo_site_only() -> None:
    def pages(*, demo: bool) -> list[str]:
        return [page.address for door in doors.shown(frozenset(RIGHTS), demo=demo) for page in door.pages]

    assert "/demo/" in pages(demo=True)
    assert "/demo/" not in pages(demo=False)


@pytest.mark.parametrize(
    ("route", "door", "page"),
    [
        ("units:page", "overview", None),
        ("estate:meters", "system", "/system/meters/"),
        ("estate:meter_edit", "system", "/system/meters/"),
        ("lines:frames", "system", "/system/frames/"),
        ("operators:edit", "system", "/system/operators/"),
        ("operators:role", "system", "/system/roles/"),
        ("customers:agreement", "customers", "/customers/"),
        ("counter:receipt", "counter", "/counter/orders"),
    ],
)
def test_the_frame_shows_where_one_is(route: str, door: str, page: str | None) -> None:
    shown = doors.shown(frozenset(RIGHTS), demo=True, view_name=route)
    assert [one.key for one in shown if one.current] == [door]
    here = [one.address for one in next(one for one in shown if one.current).pages if one.current]
    assert here == ([page] if page else [])


@pytest.mark.parametrize(
    ("role", "first"), [("cashier", "/wall/"), ("engineer", "/wall/"), ("auditor", "/wall/"), (None, None)]
)
def test_home_is_the_first_door(role: str | None, first: str | None) -> None:
    factories.make_site()
    answer = browser_of(role).get("/")
    if first:
        assert answer["Location"] == first
    else:
        assert answer.status_code == 403
        assert "还没有分配角色" in answer.content.decode()
