"""Selling: once whatever happens to the form, asked about when it looks double, nothing typed is lost."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from prewatt.office.operators.models import OperationLog
from prewatt.office.vending.models import CreditOrder, Receipt
from tests.office import factories

SELL = reverse("counter:sell")


def form(shop, amount="500", place=0, key="k" * 32, **more):
    body = {
        "agreement": shop.agreements[place].number, "meter": shop.meters[place].pk, "amount": amount, "method": "cash",
        "key": key,
    }  # fmt: skip
    return {**body, **more}


def test_a_sale_leads_to_its_own_page(shop, cashier):
    answer = cashier.post(SELL, form(shop, "1,234.50"), follow=True)
    order = CreditOrder.objects.get()
    assert answer.redirect_chain[-1] == (reverse("counter:order", args=[order.number]), 302)
    assert (order.requested_fen, order.state, order.by, order.counter) == (
        123_450,
        "queued",
        cashier.operator,
        shop.till,
    )
    assert "¥1,234.50 is paid and waits for the line" in answer.content.decode()
    assert Receipt.objects.get(kind="money").order == order
    assert OperationLog.objects.filter(action="vend.sell", operator=cashier.operator).count() == 1


def test_the_store_is_told_once_the_sale_is_committed(shop, cashier, settings, django_capture_on_commit_callbacks):
    told = []
    settings.PREWATT_POKE = lambda: told.append(CreditOrder.objects.count())
    with django_capture_on_commit_callbacks(execute=True):
        cashier.post(SELL, form(shop))
    assert told == [1]


def test_two_clicks_on_the_button_are_one_sale(shop, cashier):
    first = cashier.post(SELL, form(shop))
    second = cashier.post(SELL, form(shop))
    assert first.url == second.url
    assert CreditOrder.objects.count() == 1


def test_each_drawn_form_has_a_key_of_its_own(shop, cashier):
    home = reverse("counter:home")
    keys = {
        re.search(r'name="key" value="(\w+)"', cashier.get(home, {"unit": "A-101"}).content.decode())[1]
        for _ in range(3)
    }
    assert len(keys) == 3


def test_a_used_form_with_another_amount_is_another_sale_with_a_fresh_key(shop, cashier):
    cashier.post(SELL, form(shop, "500"))
    answer = cashier.post(SELL, form(shop, "300"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "already used for another sale" in page
    key = re.search(r'name="key" value="(\w+)"', page)[1]
    assert key != "k" * 32
    assert 'value="300"' in page
    assert cashier.post(SELL, form(shop, "300", key=key)).status_code == 302
    assert sorted(CreditOrder.objects.values_list("requested_fen", flat=True)) == [30_000, 50_000]


def test_the_same_amount_again_is_asked_about_with_both_sales_in_sight(shop, cashier):
    cashier.post(SELL, form(shop, "500"))
    shop.later(seconds=40)
    answer = cashier.post(SELL, form(shop, "500", key="other", method="card"))
    page = answer.content.decode()
    order = CreditOrder.objects.get()
    assert answer.status_code == 409
    for words in (order.number, "40 seconds ago", "老何小面店", "¥500.00", 'name="confirmed" value="1"'):
        assert words in page
    confirmed = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    confirmed.pop("csrfmiddlewaretoken", None)
    assert confirmed["method"] == "card"
    assert cashier.post(SELL, confirmed).status_code == 302
    assert CreditOrder.objects.count() == 2


def test_after_two_minutes_nobody_is_asked(shop, cashier):
    cashier.post(SELL, form(shop, "500"))
    shop.later(minutes=3)
    assert cashier.post(SELL, form(shop, "500", key="other")).status_code == 302


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "Type the amount"),
        ("0.50", "Not less than 1.00"),
        ("20000.01", "Not more than 20000.00"),
        ("5OO", "Enter a number"),
    ],
)
def test_a_wrong_amount_is_refused_at_its_field_and_stays_typed(shop, cashier, amount, words):
    answer = cashier.post(SELL, form(shop, amount, method="transfer", key="kept"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert f'name="amount" value="{amount}"' in page
    assert 'value="transfer" checked' in page
    assert 'name="key" value="kept"' in page
    assert not CreditOrder.objects.exists()


def test_more_than_the_meter_may_hold_is_refused_in_words(shop, cashier):
    shop.holds(shop.meters[0], 49_990_00)
    answer = cashier.post(SELL, form(shop, "100"))
    assert answer.status_code == 422
    assert "The meter can hold only ¥10.00 more." in answer.content.decode()


def test_refusals_are_told_in_chinese(shop, browser):
    shop.holds(shop.meters[0], 49_990_00)
    page = browser("cashier", language="zh-hans").post(SELL, form(shop, "100")).content.decode()
    assert "can hold only" not in page
    assert "¥10.00" in page


def test_a_meter_must_be_chosen_where_there_are_several(shop, cashier):
    unit = factories.make_premises(number="A-103", group=shop.floors[0])
    first, second = (factories.make_meter(line=shop.meters[0].line, premises=unit) for _ in range(2))
    agreement = factories.make_agreement(premises=unit, meter=first, meters=[first, second])
    body = form(shop, "80") | {"agreement": agreement.number, "meter": ""}
    answer = cashier.post(SELL, body)
    assert answer.status_code == 422
    assert "Choose the meter that the credit is for." in answer.content.decode()
    assert cashier.post(SELL, body | {"meter": shop.meters[1].pk}).status_code == 422, "a meter of somebody else"
    assert cashier.post(SELL, body | {"meter": second.pk}).status_code == 302
    assert CreditOrder.objects.get().meter == second


def test_a_customer_of_another_building_is_not_found(shop, browser):
    client = browser("cashier", groups=(shop.floors[0],))
    assert client.post(SELL, form(shop, place=2)).status_code == 404
    assert not CreditOrder.objects.exists()


def test_without_a_till_the_page_says_what_to_do(shop, cashier, monkeypatch):
    monkeypatch.setattr("prewatt.web.console.counter.till.tills", list)
    answer = cashier.post(SELL, form(shop))
    assert answer.status_code == 422
    assert "There is no till yet" in answer.content.decode()


def test_only_who_may_sell_sells(shop, browser):
    for role in ("manager", "finance", "engineer", "auditor", None):
        assert browser(role).post(SELL, form(shop)).status_code == 403
    assert Client().post(SELL, form(shop)).status_code == 302
    assert not CreditOrder.objects.exists()


def test_a_forged_form_without_the_token_is_refused(shop):
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.make_operator("cashier"))
    assert client.post(SELL, form(shop)).status_code == 403
    assert not CreditOrder.objects.exists()


def test_the_receipt_prints_at_once_when_asked(shop, cashier):
    answer = cashier.post(SELL, form(shop, slip="1"), follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == reverse("counter:receipt", args=[Receipt.objects.get().number])
    assert "data-at-once" in page
    again = cashier.get(answer.redirect_chain[-1][0]).content.decode()
    assert "data-at-once" not in again, "a reload does not print once more"
    page = cashier.get(reverse("counter:home"), {"unit": "A-102"}).content.decode()
    assert re.search(r'name="slip" value="1" checked', page), "the next sale remembers it"
