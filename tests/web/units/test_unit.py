"""A unit's page: what it holds, how it is, what it did, and what may be done with it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from prewatt.core.money import Money
from prewatt.office.controls.models import ControlOrder, ControlState
from prewatt.office.estate.models import Meter
from prewatt.office.vending.models import CreditOrder
from prewatt.office.vending.services import ensure_counter, sell
from tests.office import factories
from tests.web.base.people import ROLES, browser, browser_of, stored, told, unit, zone

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def shop() -> Meter:
    """An open unit with a meter that answers."""
    factories.make_site(price=10_000)
    _top, floor = zone("A区", 1)
    return unit("A-101", floor, customer="星野咖啡", credit=123_45, voltage_a=2301, current_a=652, power_factor=962)


def page(client: Client, path: str = "/units/A-101/", **more: str) -> str:
    answer = client.get(path, headers=more or None)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_header_says_who_what_and_how_long(shop: Meter) -> None:
    for day in range(1, 4):
        stored(shop, 24 * day, 5_000_000 - 10_000 * day)
    html = page(browser_of())
    for text in ("A-101", "星野咖啡", "正常", "¥123.45", "123.45 kWh", "合闸", "预付费", "1.50", "5,000.00"):
        assert text in html
    assert re.search(r"约可用 \d+ 天", html)


def test_a_phone_number_is_masked(shop: Meter) -> None:
    html = page(browser_of())
    assert "138****0000" in html
    assert "13800000000" not in html


def test_the_age_of_the_reading_is_there(shop: Meter) -> None:
    at = settings.PREWATT_CLOCK.now() - timedelta(minutes=7)
    told(shop, at=at)
    assert f'data-at="{int(at.timestamp())}"' in page(browser_of())


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ({"credit": 30_00}, "state--low-1"), ({"credit": 5_00}, "state--low-2"), ({"credit": -1}, "state--on-overdraft"),
        ({"credit": 0, "contactor": 2}, "state--off-empty"), ({"mode": 2, "contactor": 2}, "state--forced-off"),
        ({"contact": "out"}, "state--out-of-contact"), ({"mode": 1}, "mode--held-on"),
    ],
)  # fmt: skip
def test_the_header_wears_the_state(state: dict[str, int], word: str, shop: Meter) -> None:
    told(shop, **state)
    assert word in page(browser_of(), "/units/A-101/live/")


def test_a_unit_without_customer_offers_to_open_a_supply(shop: Meter) -> None:
    unit("A-102", shop.premises.group)
    html = page(browser_of(), "/units/A-102/")
    assert "/customers/open/?unit=A-102" in html.replace("/customers/open?", "/customers/open/?")
    assert "/counter/?unit=" not in html


@pytest.mark.parametrize("role", ROLES)
def test_actions_follow_rights(role: str, shop: Meter) -> None:
    html = page(browser_of(role))
    assert ("/counter/?unit=A-101" in html) == (role in {"administrator", "cashier"})
    assert ("/read-now/" in html) == (role in {"administrator", "manager", "cashier", "engineer"})


def test_without_the_right_nothing_opens(shop: Meter) -> None:
    client = browser_of(None)
    for path in ("/units/A-101/", "/units/A-101/live/", "/units/?q=A", "/system/frames/"):
        assert client.get(path).status_code == 403
    assert browser_of("auditor").post("/units/A-101/read-now/").status_code == 403
    assert ControlOrder.objects.count() == 0


def test_a_unit_of_another_zone_does_not_exist_for_one(shop: Meter) -> None:
    other = zone("B区")[0]
    client = browser_of(groups=(other,))
    for path in ("/units/A-101/", "/units/A-101/live/", "/units/A-101/?tab=purchases"):
        assert client.get(path).status_code == 404
    assert client.post("/units/A-101/read-now/", {"key": "k"}).status_code == 404
    assert "/units/A-101/" not in page(client, "/units/?q=A-101", **FRAGMENT)


@pytest.mark.parametrize("tab", ["power", "purchases", "readings", "meters", "log", "nonsense"])
def test_every_tab_opens_as_a_page_and_as_a_part(tab: str, shop: Meter) -> None:
    client = browser_of()
    whole, part = page(client, f"/units/A-101/?tab={tab}"), page(client, f"/units/A-101/?tab={tab}", **FRAGMENT)
    assert "<html" in whole
    assert "<html" not in part
    assert part.strip() in whole


def test_charts_get_their_figures_as_data(shop: Meter) -> None:
    for hours in (30, 26, 2, 1):
        stored(shop, hours, 5_000_000 - 1_000 * hours, power_w=1_250)
    html = page(browser_of())
    assert '<script id="daily-data" type="application/json">' in html
    assert 'data-chart="daily"' in html


def test_readings_of_a_day_say_what_was_used_between_them(shop: Meter) -> None:
    at = settings.PREWATT_CLOCK.now() - timedelta(days=2)
    day = at.astimezone().strftime("%Y-%m-%d")
    stored(shop, 48, 4_000_000)
    stored(shop, 47.99, 4_001_500)
    html = page(browser_of(), f"/units/A-101/?tab=readings&day={day}", **FRAGMENT)
    assert "4,001.50" in html or "没有抄表记录" in html
    assert page(browser_of(), "/units/A-101/?tab=readings&day=not-a-day", **FRAGMENT)


def test_registers_of_the_meter_are_shown_with_their_units(shop: Meter) -> None:
    html = page(browser_of(), "/units/A-101/?tab=meters")
    for text in ("230.1", "6.52", "0.962", shop.serial, shop.line.name, shop.line.gateway.name):
        assert text in html


def sold(meter: Meter) -> CreditOrder:
    seller = factories.make_operator(name="收银员甲")
    return sell(
        key="key-1", agreement=meter.agreements.get().agreement, meter=meter, amount=Money(50_00), method="cash",
        counter=ensure_counter(name="一号柜台", prefix="A", by=None, at=factories.AT), by=seller,
        at=settings.PREWATT_CLOCK.now(),
    )  # fmt: skip


def test_money_on_its_way_is_said_in_the_header(shop: Meter) -> None:
    sold(shop)
    assert "已收 ¥50.00，正在写入电表" in page(browser_of(), "/units/A-101/live/")


def test_a_purchase_is_listed_and_waits_for_its_proof(shop: Meter) -> None:
    order = sold(shop)
    html = page(browser_of(), "/units/A-101/?tab=purchases", **FRAGMENT)
    assert f"/counter/orders/{order.number}" in html
    assert "¥50.00" in html
    assert "电表确认后出具到账凭证" in html


def test_a_proven_purchase_shows_count_and_credit_before_and_after(shop: Meter) -> None:
    from prewatt.office.estate.selectors import site
    from prewatt.office.vending.receipts import proof_of_credit

    order = sold(shop)
    CreditOrder.objects.filter(pk=order.pk).update(
        state="delivered", n=4, base_count=3, base_total=900_00, base_remaining=123_45
    )
    order.refresh_from_db()
    proof = proof_of_credit(order=order, site=site(), at=order.at, count=4, total=950_00, remaining=173_45)
    proof.save(force_insert=True)
    html = page(browser_of(), "/units/A-101/?tab=purchases", **FRAGMENT)
    for text in ("3 → <b>4</b>", "¥123.45 → <b>¥173.45</b>", "¥900.00 → ¥950.00"):
        assert text in html


def test_the_log_of_a_unit_shows_its_sales_to_who_may_see_the_log(shop: Meter) -> None:
    order = sold(shop)
    assert order.number in page(browser_of("auditor"), "/units/A-101/?tab=log", **FRAGMENT)
    assert order.number not in page(browser_of("cashier"), "/units/A-101/?tab=log", **FRAGMENT)


def test_read_now_asks_the_field_once_and_tells_what_becomes_of_it(shop: Meter) -> None:
    client = browser_of("cashier")
    for _click in range(2):
        html = client.post("/units/A-101/read-now/", {"key": "click-1"}, headers=FRAGMENT).content.decode()
    [order] = ControlOrder.objects.all()
    assert order.meter == shop
    assert f"/units/A-101/asked/{order.pk}/" in html
    ControlOrder.objects.update(state=ControlState.DONE)
    answer = client.get(f"/units/A-101/asked/{order.pk}/", headers=FRAGMENT)
    assert "已抄到" in answer.content.decode()
    assert answer["HX-Trigger"] == "unit-read"
    assert "/asked/" not in answer.content.decode()


@pytest.mark.parametrize("state", [ControlState.FAILED, ControlState.UNKNOWN])
def test_a_reading_that_fails_says_so(state: str, shop: Meter) -> None:
    client = browser_of()
    client.post("/units/A-101/read-now/", {"key": "k"}, headers=FRAGMENT)
    order = ControlOrder.objects.get()
    ControlOrder.objects.update(state=state, reason="timeout")
    html = client.get(f"/units/A-101/asked/{order.pk}/", headers=FRAGMENT).content.decode()
    assert "电表没有应答" in html
    assert "timeout" not in html


def test_a_request_that_nobody_took_is_not_waited_for_for_ever(shop: Meter) -> None:
    client = browser_of()
    client.post("/units/A-101/read-now/", {"key": "k"}, headers=FRAGMENT)
    order = ControlOrder.objects.get()
    ControlOrder.objects.update(deadline=settings.PREWATT_CLOCK.now() - timedelta(seconds=1))
    html = client.get(f"/units/A-101/asked/{order.pk}/", headers=FRAGMENT).content.decode()
    assert "电表没有应答" in html


def test_without_script_read_now_leads_back_to_the_unit(shop: Meter) -> None:
    answer = browser_of().post("/units/A-101/read-now/", {"key": "k"})
    assert answer.status_code == 302
    assert answer["Location"] == "/units/A-101/"


@pytest.mark.parametrize("words", ["A-101", "星野", "xykf", "13800000000", "电表"])
def test_a_unit_is_found_by_whatever_one_knows_of_it(words: str, shop: Meter) -> None:
    unit("B-201", None, customer="山间书店")
    html = page(browser_of(), f"/units/?q={words}", **FRAGMENT)
    assert "A-101" in html


def test_one_find_alone_opens_at_once(shop: Meter) -> None:
    unit("A-1011", shop.premises.group)
    answer = browser_of().get("/units/?q=A-101")
    assert answer.status_code == 302
    assert answer["Location"] == "/units/A-101/"


def test_nothing_found_says_what_to_try(shop: Meter) -> None:
    assert "没有找到" in page(browser_of(), "/units/?q=zzz", **FRAGMENT)
    assert "没有找到" in page(browser_of(), "/units/?q=zzz")


@pytest.mark.parametrize("number", ["C-1/2", "三楼 东", "A&B?c=d"])
def test_odd_unit_numbers_have_pages(number: str, shop: Meter) -> None:
    from urllib.parse import quote

    unit(number, shop.premises.group, customer="怪店")
    client = browser_of()
    assert number.replace("&", "&amp;") in page(client, f"/units/{quote(number)}/")
    wall = client.get("/wall/").content.decode()
    assert f'href="/units/{quote(number)}/"' in wall


def test_the_page_speaks_english(shop: Meter) -> None:
    html = page(browser(factories.make_operator(language="en")))
    for text in ("Power now", "Energy today", "Contactor", "closed", "about 123.45 kWh", "Purchases", "Read now"):
        assert text in html
