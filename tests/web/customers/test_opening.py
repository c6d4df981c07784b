"""Opening a supply: the unit's meters appear, errors keep what was typed, two clicks open once."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from prewatt.office.customers.models import AgreementMeter, SupplyAgreement
from prewatt.office.operators.models import OperationLog
from tests.office import factories

OPEN, METERS = reverse("customers:open"), reverse("customers:open-meters")


@pytest.fixture
def empty(shop):
    """A unit with a meter and no customer."""
    unit = factories.make_premises(number="A-201", group=shop.floors[0])
    unit.meter = factories.make_meter(line=shop.meters[0].line, premises=unit, name="A-201 表", serial="260000002010")
    return unit


def body(unit, **more):
    typed = {"premises": unit.number, "meters": [unit.meter.pk], "name": "新商户", "phone": "021-5555", "once": "t1"}
    return {**typed, **more}


def test_the_form_offers_units_without_a_customer(empty, cashier):
    page = cashier.get(OPEN).content.decode()
    assert '<option value="A-201">' in page
    assert '<option value="A-101">' not in page


def test_a_unit_in_the_address_is_filled_in_with_its_meter_ticked(empty, cashier):
    page = cashier.get(OPEN, {"unit": "A-201"}).content.decode()
    assert 'value="A-201"' in page
    box = re.search(r'<input[^>]*name="meters"[^>]*>', page)[0]
    assert "checked" in box


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("A-201", "260000002010"),
        ("A-101", "has no free prepaid meter"),
        ("Z-9", "There is no such unit."),
        ("", "appear here"),
    ],
)
def test_the_meters_of_the_typed_unit_appear(empty, cashier, number, words):
    page = cashier.get(METERS, {"premises": number}).content.decode()
    assert words in page
    assert "<html" not in page


def test_a_supply_is_opened_and_can_be_sold_to(empty, cashier):
    answer = cashier.post(OPEN, body(empty, opening_credit="-12.34", opening_energy_wh="1234.56"), follow=True)
    agreement = SupplyAgreement.objects.get(premises=empty)
    assert answer.redirect_chain[-1][0] == reverse("customers:agreement", args=[agreement.number])
    assert "The supply is open." in answer.content.decode()
    bound = AgreementMeter.objects.get(agreement=agreement)
    assert (bound.meter, bound.opening_credit, bound.opening_energy_wh) == (empty.meter, -1234, 1_234_560)
    assert agreement.opened_by == cashier.operator
    assert "新商户" in cashier.get(reverse("counter:home"), {"unit": "A-201"}).content.decode()


def test_two_clicks_open_one_supply_and_lead_to_the_same_page(empty, cashier):
    first = cashier.post(OPEN, body(empty))
    second = cashier.post(OPEN, body(empty))
    assert first.url == second.url
    assert SupplyAgreement.objects.filter(premises=empty).count() == 1
    assert OperationLog.objects.filter(action="customers.open", operator=cashier.operator).count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "required"),
        ({"phone": "call me"}, "is not a telephone number"),
        ({"premises": "Z-9"}, "There is no such unit."),
        ({"meters": []}, "Choose at least one meter"),
        ({"opening_credit": "twelve"}, "Enter a number"),
        ({"opening_energy_wh": "-1"}, "reading is 0 or more"),
    ],
)
def test_a_refused_form_says_why_and_keeps_what_was_typed(empty, cashier, change, words):
    typed = body(empty, **change)
    answer = cashier.post(OPEN, typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    for name in ("premises", "name", "phone"):
        if typed[name]:
            assert f'value="{typed[name]}"' in page
    assert not SupplyAgreement.objects.filter(premises=empty).exists()


def test_a_unit_with_a_customer_is_not_opened_twice(shop, cashier):
    answer = cashier.post(OPEN, {"premises": "A-101", "meters": [shop.meters[0].pk], "name": "别人", "once": "t2"})
    assert answer.status_code == 422
    assert SupplyAgreement.objects.filter(premises=shop.units[0]).count() == 1


def test_a_unit_of_another_building_does_not_exist_for_this_clerk(shop, empty, browser):
    client = browser("cashier", groups=(shop.floors[1],))
    assert "260000002010" not in client.get(METERS, {"premises": "A-201"}).content.decode()
    assert "A-201" not in client.get(OPEN).content.decode()
    answer = client.post(OPEN, body(empty))
    assert answer.status_code == 422
    assert not SupplyAgreement.objects.filter(premises=empty).exists()


def test_the_form_is_in_chinese(empty, browser):
    page = browser("cashier", language="zh-hans").get(OPEN, {"unit": "A-201"}).content.decode()
    for words in ("开户", "用户名称", "期初余额", "期初示数"):
        assert words in page
