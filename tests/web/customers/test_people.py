"""Customers as a list, an agreement's own page, and what a clerk may look at."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.operators.models import OperationLog
from tests.office import factories

LIST = reverse("customers:list")


def address(agreement, name="agreement"):
    return reverse(f"customers:{name}", args=[agreement.number])


def test_the_list_shows_who_where_and_what_the_meter_holds(shop, cashier):
    page = cashier.get(LIST).content.decode()
    for words in ("A-101", "老何小面店", "139****5678", "A-101 表", "¥123.45", "state--well", "B-102"):
        assert words in page
    assert "13912345678" not in page


@pytest.mark.parametrize("words", ["A-101", "小面", "lhxmd", "5678", "260000001000"])
def test_a_customer_is_found_in_the_list(shop, cashier, words):
    page = cashier.get(LIST, {"q": words}).content.decode()
    assert "老何小面店" in page
    assert "云朵服装店" not in page


def test_a_customer_with_two_meters_is_one_row(shop, cashier):
    unit = factories.make_premises(number="A-103", group=shop.floors[0])
    meters = [factories.make_meter(line=shop.meters[0].line, premises=unit, name=f"A-103 {n}") for n in "ab"]
    factories.make_agreement(premises=unit, meter=meters[0], meters=meters)
    answer = cashier.get(LIST, {"q": "A-103"})
    assert answer.context["listing"].page.paginator.count == 1
    assert "A-103 a, A-103 b" in answer.content.decode()


def test_closed_supplies_stand_apart(shop, cashier):
    SupplyAgreement.objects.filter(pk=shop.agreements[0].pk).update(closed_at=shop.clock.now())
    for query, there in (({}, False), ({"standing": "closed"}, True), ({"standing": "all"}, True)):
        assert ("老何小面店" in cashier.get(LIST, query).content.decode()) is there
    page = cashier.get(address(shop.agreements[0])).content.decode()
    assert "?agreement=" not in page, "nothing is sold to a closed supply"


def test_the_list_takes_few_queries_however_many_customers(shop, cashier, django_assert_max_num_queries):
    for number in range(20):
        unit = factories.make_premises(number=f"A-2{number:02d}", group=shop.floors[0])
        factories.make_agreement(premises=unit, meter=factories.make_meter(line=shop.meters[0].line, premises=unit))
    with django_assert_max_num_queries(30):
        assert cashier.get(LIST).content.decode().count("state--") >= 24


def test_another_buildings_customers_are_not_there(shop, browser):
    client = browser("cashier", groups=(shop.floors[0],))
    page = client.get(LIST).content.decode()
    assert "老何小面店" in page
    assert "云朵服装店" not in page
    for name in ("agreement", "live", "edit"):
        assert client.get(address(shop.agreements[2], name)).status_code == 404
    assert client.post(address(shop.agreements[2], "phone")).status_code == 404


def test_the_list_is_exported_with_masked_phones(shop, browser):
    answer = browser("finance").get(LIST, {"export": "xlsx"})
    rows = CalamineWorkbook.from_filelike(BytesIO(b"".join(answer.streaming_content))).get_sheet_by_index(0).to_python()
    row = dict(zip(rows[0], rows[1], strict=True))
    assert (row["Unit"], row["Phone"], row["Remaining credit"], row["State"]) == (
        "A-101",
        "139****5678",
        123.45,
        "well",
    )
    assert browser("cashier").get(LIST, {"export": "xlsx"}).status_code == 403


def test_an_agreements_page_lists_its_purchases_only(shop, cashier):
    mine = shop.deliver(shop.sell(0, 100))
    other = shop.sell(1, 200)
    page = cashier.get(address(shop.agreements[0])).content.decode()
    assert mine.number in page
    assert other.number not in page
    assert f"?agreement={shop.agreements[0].number}" in page


def test_purchases_need_the_right_to_see_sales(shop, browser):
    order = shop.sell(0, 100)
    page = browser("engineer").get(address(shop.agreements[0])).content.decode()
    assert order.number not in page
    assert "老何小面店" in page


def test_the_meters_part_is_live(shop, cashier):
    shop.holds(shop.meters[0], -500, contactor=2, flags=2)
    shop.sell(0, 100)
    page = cashier.get(address(shop.agreements[0], "live")).content.decode()
    for words in ("-¥5.00", "state--off-empty", "contactor--open", "¥100.00 on its way"):
        assert words in page
    assert "<html" not in page


def test_the_whole_phone_number_is_shown_on_request_and_logged(shop, cashier):
    agreement = shop.agreements[0]
    assert "13912345678" not in cashier.get(address(agreement)).content.decode()
    assert cashier.post(address(agreement, "phone")).content.decode().strip() == "13912345678"
    row = OperationLog.objects.get(action="customers.phone.seen")
    assert (row.operator, row.subject) == (cashier.operator, "A-101")


def test_a_name_is_corrected_and_found_anew(shop, cashier):
    agreement = shop.agreements[0]
    answer = cashier.post(address(agreement, "edit"), {"name": "新何小面店", "phone": "021-111"}, follow=True)
    assert "新何小面店" in answer.content.decode()
    assert "新何小面店" in cashier.get(LIST, {"q": "xhxmd"}).content.decode()
    assert OperationLog.objects.get(action="customers.edit").data["before"]["name"] == "老何小面店"


def test_a_refused_correction_keeps_what_was_typed(shop, cashier):
    answer = cashier.post(address(shop.agreements[0], "edit"), {"name": "新名", "phone": "no phone"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="新名"' in page
    assert "is not a telephone number" in page
    shop.agreements[0].customer.refresh_from_db()
    assert shop.agreements[0].customer.name == "老何小面店"
