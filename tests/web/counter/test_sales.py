"""Sales as lists: today's with totals, all of them with filters, and the export."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

TODAY, ORDERS = reverse("counter:today"), reverse("counter:orders")


@pytest.fixture
def sold(shop):
    """Yesterday one sale; today cash, card, transfer, and one cancelled."""
    from prewatt.office.vending.services.cancel import cancel_queued

    orders = [shop.sell(0, 50)]
    shop.later(days=1)
    orders += [shop.sell(0, 100), shop.sell(1, 200, method="card"), shop.sell(2, 300, method="transfer")]
    orders.append(cancel_queued(order=shop.sell(3, 400), by=shop.cashier, at=shop.clock.now()))
    shop.deliver(orders[2])
    return orders


def test_today_leaves_out_yesterday_and_totals_leave_out_what_was_cancelled(sold, cashier):
    answer = cashier.get(TODAY)
    page = answer.content.decode()
    assert sold[0].number not in page
    assert all(order.number in page for order in sold[1:])
    assert answer.context["sums"] == {"count": 3, "fen": 60_000}
    assert [(total.key, total.count, total.fen) for total in answer.context["by_method"]] == [
        ("cash", 1, 10_000), ("card", 1, 20_000), ("transfer", 1, 30_000),
    ]  # fmt: skip
    assert [(total.key, total.fen) for total in answer.context["by_state"]] == [
        ("queued", 40_000), ("delivered", 20_000), ("cancelled", 40_000),
    ]  # fmt: skip


def test_today_begins_at_the_sites_midnight(shop, cashier):
    shop.later(hours=14, minutes=59)  # 23:59 in Shanghai
    late = shop.sell(0, 10)
    shop.later(minutes=2)
    early = shop.sell(0, 20)
    page = cashier.get(TODAY).content.decode()
    assert early.number in page
    assert late.number not in page


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, {0, 1, 2, 3, 4}),
        ({"state": "delivered"}, {2}),
        ({"state": "cancelled"}, {4}),
        ({"method": "transfer"}, {3}),
        ({"q": "A-101"}, {0, 1}),
        ({"q": "云朵"}, {3}),
        ({"q": "260000001001"}, {2}),
        ({"at_from": "2026-11-24"}, {1, 2, 3, 4}),
        ({"at_to": "2026-11-23"}, {0}),
    ],
)
def test_all_sales_are_filtered_and_their_totals_with_them(sold, cashier, query, wanted):
    answer = cashier.get(ORDERS, query)
    page = answer.content.decode().split('class="l-results"')[1]
    assert {place for place, order in enumerate(sold) if order.number in page} == wanted
    assert answer.context["sums"]["count"] == len(wanted - {4})


def test_the_operator_and_the_till_are_filters(sold, cashier, browser):
    mine = browser("cashier", name="李梅").operator
    page = cashier.get(ORDERS).content.decode()
    assert "王芳" in page
    assert "李梅" not in page, "only who has sold is offered"
    assert cashier.get(ORDERS, {"by": mine.pk}).context["listing"].page.paginator.count == 5, "not a choice: ignored"


def test_the_filtered_list_is_exported(sold, browser):
    client = browser("finance")
    answer = client.get(ORDERS, {"export": "xlsx", "method": "card"})
    rows = CalamineWorkbook.from_filelike(BytesIO(b"".join(answer.streaming_content))).get_sheet_by_index(0).to_python()
    assert len(rows) == 2
    row = dict(zip(rows[0], rows[1], strict=True))
    assert row["Order"] == sold[2].number
    assert row["Amount"] == 200
    assert row["Customer"] == "星河律师事务所"
    assert row["State"] == "on the meter, proven"


def test_htmx_gets_the_table_alone(sold, cashier):
    page = cashier.get(ORDERS, headers={"HX-Request": "true", "HX-Target": "list-results"}).content.decode()
    assert "<html" not in page
    assert sold[0].number in page


def test_another_buildings_sales_are_not_listed_nor_counted(sold, browser):
    answer = browser("cashier", groups=(sold[1].agreement.premises.group,)).get(ORDERS)
    assert answer.context["listing"].page.paginator.count == 3
    assert sold[3].number not in answer.content.decode()
    assert answer.context["sums"]["fen"] == 35_000


def test_an_empty_day_says_what_to_do(shop, cashier):
    assert "Each sale appears here the moment it is paid." in cashier.get(TODAY).content.decode()
