"""The wall: every unit in its place and colour, what changed since, what needs a person, the first day."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from prewatt.core.money import Money
from prewatt.office.estate.models import Meter
from prewatt.office.operators.models import Operator
from prewatt.office.readings.models import GatewayState
from prewatt.office.vending.models import CreditOrder
from prewatt.office.vending.services import ensure_counter, sell
from prewatt.web.console.overview.tiles import WALL
from tests.office import factories
from tests.web.base.people import ROLES, browser, browser_of, told, unit, zone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_wall() -> None:
    """Ids of units come again in the next test; what this process remembers of them must not."""
    WALL.forget()


@pytest.fixture
def house() -> dict[str, Meter]:
    """Two zones; one unit of each state."""
    factories.make_site()
    _top, low, high = zone("A区", 2)
    _other, ground = zone("B区", 1)
    return {
        "well": unit("A-101", low, customer="星野咖啡"),
        "low-1": unit("A-102", low, customer="甲", credit=30_00),
        "low-2": unit("A-110", low, customer="乙", credit=10_00),
        "on-overdraft": unit("A-201", high, customer="丙", credit=-5_00),
        "off-empty": unit("A-202", high, customer="丁", credit=0, contactor=2),
        "forced-off": unit("B-101", ground, customer="戊", mode=2, contactor=2),
        "out-of-contact": unit("B-102", ground, customer="己", contact="out"),
        "not-opened": unit("B-103", ground),
    }


def page(client: Client, path: str = "/wall/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def tiles(html: str) -> dict[str, str]:
    """State by unit number, in the order drawn."""
    return {number: state for state, number in re.findall(r'data-state="([\w-]+)"[^>]*><b>([^<]+)</b>', html)}


def since(html: str) -> int:
    found = re.search(r"since=(\d+)", html)
    assert found
    return int(found[1])


def changes(client: Client, moment: int) -> str:
    return page(client, f"/wall/changes/?since={moment}")


def test_each_unit_wears_its_state(house: dict[str, Meter]) -> None:
    html = page(browser_of())
    shown = tiles(html)
    assert {shown[meter.premises.number]: True for meter in house.values()} == dict.fromkeys(house, True)
    for word in ("正常", "报警1", "报警2", "欠费", "欠费断电", "强制断电", "失联", "未开户"):
        assert f'<span class="tile__word">{word}</span>' in html


def test_floors_stand_on_each_other_and_units_are_counted_as_people_count(house: dict[str, Meter]) -> None:
    assert list(tiles(page(browser_of()))) == [
        "A-201", "A-202", "A-101", "A-102", "A-110", "B-101", "B-102", "B-103",
    ]  # fmt: skip


def test_floors_are_named_without_what_they_share(house: dict[str, Meter]) -> None:
    labels = re.findall(r'floor__label">([^<]*)<', page(browser_of()))
    assert labels == ["2层", "1层", "B区1层"]


def test_a_held_on_unit_has_its_ring(house: dict[str, Meter]) -> None:
    told(house["well"], mode=1)
    assert re.search(r'class="tile state--well is-held"', page(browser_of()))


def test_credit_of_an_unopened_unit_is_nobodys(house: dict[str, Meter]) -> None:
    html = page(browser_of())
    tile = html[html.index(f'id="m{house["not-opened"].pk}"') :].split("</a>")[0]
    assert "¥" not in tile


def test_names_are_escaped(house: dict[str, Meter]) -> None:
    unit("A-<b>", None, customer="<script>alert(1)</script>")
    html = page(browser_of())
    assert "<script>alert" not in html
    assert "A-<b>" not in html


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_the_wall(role: str, house: dict[str, Meter]) -> None:
    assert len(tiles(page(browser_of(role)))) == len(house)


def test_without_roles_there_is_no_wall(house: dict[str, Meter]) -> None:
    assert browser_of(None).get("/wall/").status_code == 403
    assert browser_of(None).get("/wall/changes/").status_code == 403


def test_an_operator_sees_his_zone_only(house: dict[str, Meter]) -> None:
    mine = house["well"].premises.group.parent
    client = browser_of(groups=(mine,))
    assert all(number.startswith("A-") for number in tiles(page(client)))
    told(house["forced-off"], mode=0, contactor=1, version=9)
    html = changes(client, 0)
    assert "B-101" not in html
    assert "B-102" not in html


def test_nothing_is_sent_when_nothing_changed(house: dict[str, Meter]) -> None:
    client = browser_of()
    moment = since(page(client))
    html = changes(client, moment)
    assert tiles(html) == {}
    assert 'data-numbers=""' in html


def test_a_changed_state_is_sent_out_of_band_and_alone(house: dict[str, Meter]) -> None:
    client = browser_of()
    moment = since(page(client))
    told(house["well"], credit=20_00 - 1, version=5)
    html = changes(client, moment)
    assert tiles(html) == {"A-101": "low-2"}
    assert f'<a hx-swap-oob="morph" id="m{house["well"].pk}"' in html
    assert since(html) > moment


def test_new_numbers_travel_without_their_tile(house: dict[str, Meter]) -> None:
    client = browser_of()
    moment = since(page(client))
    told(house["well"], credit=199_99, power_w=2_340, version=5)
    html = changes(client, moment)
    assert tiles(html) == {}
    assert re.search(rf'data-numbers="{house["well"].pk}\|\d+\|¥199\.99\|2\.34 kW"', html)


def test_totals_and_counts_come_with_every_change(house: dict[str, Meter]) -> None:
    client = browser_of()
    moment = since(page(client))
    told(house["well"], contact="out", version=5)
    html = changes(client, moment)
    assert re.search(r'id="count-out-of-contact" hx-swap-oob="morph">2<', html)
    assert re.search(r'id="day"[^>]*hx-swap-oob="morph"', html)
    assert re.search(r'id="queue"[^>]*hx-swap-oob="morph"', html)


def test_a_customer_that_is_opened_appears_on_an_open_wall(house: dict[str, Meter]) -> None:
    client = browser_of()
    moment = since(page(client))
    factories.make_agreement(meter=house["not-opened"], name="新来的店")
    html = changes(client, moment)
    assert tiles(html) == {"B-103": "well"}
    assert "新来的店" in html


@pytest.mark.parametrize("odd", ["", "abc", "-5", "9" * 40, "99999999999999"])
def test_a_wall_that_does_not_know_its_time_gets_everything(odd: str, house: dict[str, Meter]) -> None:
    assert len(tiles(page(browser_of(), f"/wall/changes/?since={odd}"))) == len(house)


def test_each_language_has_its_own_tiles(house: dict[str, Meter]) -> None:
    assert "报警1" in page(browser_of())
    english = page(browser_of(language="en"))
    assert "alarm 1" in english
    assert "报警1" not in english


def test_what_needs_a_person_is_one_queue(house: dict[str, Meter]) -> None:
    gateway = house["well"].line.gateway
    GatewayState.objects.create(gateway=gateway, contact="out", since=settings.PREWATT_CLOCK.now() - timedelta(hours=1))
    html = page(browser_of())
    queue = html[html.index('id="queue"') :].split("</section>")[0]
    assert gateway.name in queue
    assert "B-102" in queue
    assert "/units/B-102/" in queue


def test_an_order_that_waits_long_is_in_the_queue(house: dict[str, Meter]) -> None:
    seller = factories.make_operator()
    order = sold(house["low-1"], seller, hours_ago=1)
    queue = page(browser(seller)).split('id="queue"')[1].split("</section>")[0]
    assert "¥50.00" in queue
    assert f"/counter/orders/{order.number}" in queue


def test_money_sold_today_is_counted(house: dict[str, Meter]) -> None:
    seller = factories.make_operator()
    sold(house["low-1"], seller, hours_ago=0)
    day = page(browser(seller)).split('id="day"')[1].split("</section>")[0]
    assert "¥50.00" in day


def test_an_empty_site_is_led_by_the_hand() -> None:
    factories.make_site()
    html = page(browser_of())
    assert "欢迎" in html
    assert "/system/import/" in html
    assert 'id="wall"' not in html


def test_a_step_without_the_right_has_no_button() -> None:
    factories.make_site()
    assert "/system/import/" not in page(browser_of("auditor"))


def test_the_guide_goes_when_the_building_sells(house: dict[str, Meter]) -> None:
    client = browser_of()
    assert 'class="first' in page(client)
    sold(house["low-1"], factories.make_operator(), hours_ago=0)
    assert 'class="first' not in page(client)


def test_the_wall_asks_the_same_few_questions_however_many_units(house: dict[str, Meter]) -> None:
    client = browser_of()
    page(client)
    with CaptureQueriesContext(connection) as few:
        page(client)
    group = house["well"].premises.group
    for number in range(120, 140):
        unit(f"A-{number}", group, customer=f"店{number}")
    with CaptureQueriesContext(connection) as many:
        page(client)
    assert len(many) <= len(few)


def sold(meter: Meter, seller: Operator, *, hours_ago: float) -> CreditOrder:
    agreement = meter.agreements.get().agreement
    return sell(
        key=f"key-{meter.pk}", agreement=agreement, meter=meter, amount=Money(50_00), method="cash",
        counter=ensure_counter(name="一号柜台", prefix="A", by=None, at=factories.AT), by=seller, at=settings.PREWATT_CLOCK.now() - timedelta(hours=hours_ago),
    )  # fmt: skip


def test_units_behind_a_lost_gateway_look_unsure_but_are_not_lost(house: dict[str, Meter]) -> None:
    client = browser_of()
    moment = since(page(client))
    gateway = house["well"].line.gateway
    GatewayState.objects.create(gateway=gateway, contact="out", since=settings.PREWATT_CLOCK.now())
    html = changes(client, moment)
    assert tiles(html) == {"A-101": "well"}
    assert 'class="tile state--well is-unsure"' in html
    assert "通讯管理机失联，1 户情况不明" in html
