"""The counter: finding a customer, his card, what an amount would do."""

from __future__ import annotations

import pytest
from django.urls import reverse

from prewatt.core.money import Money
from prewatt.web.console.counter.faces import masked
from tests.office import factories

HOME, FIND, DESK, FIGURES, QUOTE = (reverse(f"counter:{name}") for name in ("home", "find", "desk", "figures", "quote"))


@pytest.mark.parametrize("words", ["A-101", "a-101", "小面", "lhxmd", "345678", "260000001000", "A-101 表"])
def test_a_customer_is_found_by_whatever_is_typed(shop, cashier, words):
    page = cashier.get(FIND, {"q": words}).content.decode()
    assert "老何小面店" in page
    assert "云朵服装店" not in page


def test_what_is_found_shows_credit_and_hides_the_phone(shop, cashier):
    page = cashier.get(FIND, {"q": "A-101"}).content.decode()
    assert "¥123.45" in page
    assert "139****5678" in page
    assert "13912345678" not in page


def test_nobody_found_says_so_with_the_words_typed(shop, cashier):
    page = cashier.get(FIND, {"q": "<b>Z9"}).content.decode()
    assert "&lt;b&gt;Z9" in page
    assert "<b>Z9" not in page


def test_a_scanned_number_goes_straight_to_the_customer(shop, cashier):
    answer = cashier.get(HOME, {"q": "260000001001"}, follow=True)
    assert answer.redirect_chain[-1][0].endswith(f"?agreement={shop.agreements[1].number}")
    assert "星河律师事务所" in answer.content.decode()


def test_several_hits_stay_a_list(shop, cashier):
    answer = cashier.get(HOME, {"q": "A-10"})
    assert answer.status_code == 200
    assert answer.content.decode().count('role="option"') == 2


def test_the_card_shows_who_and_what_the_meter_holds(shop, cashier):
    page = cashier.get(DESK, {"agreement": shop.agreements[0].number}).content.decode()
    for words in ("A-101", "老何小面店", "¥123.45", "state--well", "contactor--closed", "0 seconds ago"):
        assert words in page
    assert "13912345678" not in page


def test_arrears_and_silence_are_told_before_the_sale(shop, cashier):
    shop.holds(shop.meters[0], -13_720, contact="out", flags=2)
    page = cashier.get(DESK, {"agreement": shop.agreements[0].number}).content.decode()
    assert "Arrears" in page
    assert "¥137.20" in page
    assert "does not answer at the moment" in page


def test_what_the_meter_holds_is_refreshed_while_the_card_is_open(shop, cashier):
    query = {"agreement": shop.agreements[0].number, "meter": shop.meters[0].pk}
    assert "¥123.45" in cashier.get(FIGURES, query).content.decode()
    shop.holds(shop.meters[0], 99_900)
    page = cashier.get(FIGURES, query).content.decode()
    assert "¥999.00" in page
    assert "<form" not in page, "what is being typed is left alone"
    assert cashier.get(FIGURES).status_code == 404


def test_money_under_way_is_told(shop, cashier):
    shop.sell(0, 250)
    page = cashier.get(DESK, {"agreement": shop.agreements[0].number}).content.decode()
    assert "¥250.00 is paid already and not yet on the meter." in page


def test_an_amount_says_what_pays_arrears_and_what_remains(shop, cashier):
    shop.holds(shop.meters[0], -13_720)
    page = cashier.get(QUOTE, {"agreement": shop.agreements[0].number, "amount": "500"}).content.decode()
    line = " ".join(page.replace("<b>", "").replace('<b class="is-bad">', "").replace("</b>", "").split())
    assert "500 yuan, of which 137.20 pays arrears, 362.80 remains, about 427 kWh" in line  # 362.80 / 0.85
    assert Money(50_000).in_words() in line
    assert "then about ¥362.80 on the meter" in line


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "From ¥1.00 to ¥20,000.00."),
        ("abc", "Enter a number"),
        ("1.234", "At most 2 decimal places"),
        ("0.5", "Not less than 1.00"),
        ("20000.01", "Not more than 20000.00"),
        ("-5", "Not less than"),
        ("12,5", "Enter a number"),
        ("1e3", "Enter a number"),
    ],
)
def test_an_amount_that_cannot_be_sold_says_why(shop, cashier, amount, words):
    page = cashier.get(QUOTE, {"agreement": shop.agreements[0].number, "amount": amount}).content.decode()
    assert words in page


def test_a_full_purse_is_told_while_typing(shop, cashier):
    shop.holds(shop.meters[0], 49_990_00)
    page = cashier.get(QUOTE, {"agreement": shop.agreements[0].number, "amount": "100"}).content.decode()
    assert "at most ¥10.00 can be sold now" in page


def test_a_customer_with_several_meters_chooses_one(shop, cashier):
    second = factories.make_meter(line=shop.meters[0].line, name="A-103 动力")
    unit = factories.make_premises(number="A-103", group=shop.floors[0])
    first = factories.make_meter(line=shop.meters[0].line, premises=unit, name="A-103 照明")
    agreement = factories.make_agreement(premises=unit, meter=first, meters=[first, second])
    page = cashier.get(DESK, {"agreement": agreement.number}).content.decode()
    assert "Choose the one that the credit is for" in page
    assert "A-103 动力" in page
    page = cashier.get(DESK, {"agreement": agreement.number, "meter": second.pk, "amount": "321"}).content.decode()
    assert f'name="meter" value="{second.pk}"' in page
    assert 'value="321"' in page, "what was typed before another meter was chosen stays"


def test_a_cashier_of_one_zone_finds_nobody_of_another(shop, browser):
    client = browser("cashier", groups=(shop.floors[0],))
    assert "云朵服装店" not in client.get(FIND, {"q": "B-101"}).content.decode()
    for address in (HOME, DESK, FIGURES, QUOTE):
        assert client.get(address, {"agreement": shop.agreements[2].number, "amount": "1"}).status_code == 404
        assert client.get(address, {"unit": "B-101", "amount": "1"}).status_code == 404
    assert client.get(HOME, {"unit": "A-101"}).status_code == 200


def test_who_may_only_see_sales_gets_no_form(shop, browser):
    page = browser("auditor").get(HOME, {"unit": "A-101"}).content.decode()
    assert "data-sale" not in page
    assert "data-customer-search" not in page


def test_the_page_is_in_chinese_for_whoever_reads_chinese(shop, browser):
    page = browser("cashier", language="zh-hans").get(HOME, {"unit": "A-101"}).content.decode()
    for words in ("剩余金额", "户号、名称、拼音首字母", "收款后立即打印收款收据"):
        assert words in page


def test_another_till_is_chosen_for_the_session(shop, cashier):
    from prewatt.office.vending.services import ensure_counter

    second = ensure_counter(name="二号窗口", prefix="02", by=None, at=shop.clock.now())
    cashier.post(reverse("counter:till"), {"till": second.pk})
    assert "二号窗口 ·" in cashier.get(HOME).content.decode()
    cashier.post(reverse("counter:till"), {"till": "999"})
    assert "二号窗口 ·" in cashier.get(HOME).content.decode()


def test_the_day_beside_the_counter_is_live(shop, cashier):
    shop.sell(0, 300)
    shop.sell(1, 200, method="card")
    page = cashier.get(reverse("counter:today-live")).content.decode()
    assert "¥500.00" in page
    assert "¥300.00" in page
    assert "<html" not in page


@pytest.mark.parametrize(
    ("phone", "shown"), [("13912345678", "139****5678"), ("62301234", "623****1234"), ("1234", "1234"), ("", "")]
)
def test_a_phone_number_is_masked(phone, shown):
    assert masked(phone) == shown
