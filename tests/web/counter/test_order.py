"""An order's page tells the truth about where the money is, in every state, and who may change it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from prewatt.office.operators.models import OperationLog


def page(client, order, name="order"):
    return client.get(reverse(f"counter:{name}", args=[order.number]))


def text(client, order, name="order"):
    return page(client, order, name).content.decode()


def test_a_waiting_order_says_that_nothing_was_sent(shop, cashier):
    order = shop.sell(0, 100)
    said = text(cashier, order)
    for words in (
        "¥100.00 is paid and waits for the line. Nothing was sent to the meter yet.",
        "王芳", "一号窗口", "壹佰元整", "not printed yet", "comes when the meter has confirmed",
    ):  # fmt: skip
        assert words in said


def test_a_silent_meter_is_named_as_the_reason_of_waiting(shop, cashier):
    shop.holds(shop.meters[0], 100, contact="out")
    assert "The meter does not answer at the moment" in text(cashier, shop.sell(0, 100))


def test_a_sent_order_says_that_it_is_being_proven_and_when_it_is_looked_at_next(shop, cashier):
    order = shop.sell(0, 100)
    shop.arm(order)
    said = text(cashier, order)
    assert "¥100.00 was sent to the meter" in said
    assert "Sending 1 of purchase 7" in said
    assert "Next look at the meter:" in said
    assert "purchase number 7 of meter 260000001000" in said


def test_before_the_read_back_nothing_is_shown_as_after(shop, cashier):
    order = shop.sell(0, 100)
    shop.arm(order)
    row = text(cashier, order).split("Purchase count")[1].split("</tr>")[0]
    assert ">6<" in row
    assert "—" in row


def test_a_delivered_order_shows_the_meters_proof(shop, cashier):
    order = shop.deliver(shop.sell(0, 100))
    said = text(cashier, order)
    for words in ("¥100.00 is on the meter", ">6<", "<b>7</b>", "+1", "¥100.00", "<b>¥200.00</b>", "<b>¥223.45</b>"):
        assert words in said
    assert reverse("counter:receipt", args=[f"{order.number}-P"]) in said


def test_the_exchange_is_told_in_the_order_it_happened(shop, cashier):
    said = text(cashier, shop.deliver(shop.sell(0, 100)))
    places = [
        said.index(words) for words in ("read before sending", "Sending 1 of purchase 7", "read back: the credit")
    ]
    assert places == sorted(places)


def test_a_refused_order_offers_to_send_again_and_to_give_back(shop, cashier):
    order = shop.refuse(shop.sell(0, 100))
    said = text(cashier, order)
    assert "The meter did not take ¥100.00" in said
    assert reverse("counter:again", args=[order.number]) in said
    assert reverse("counter:cancel", args=[order.number]) in said


def test_an_order_in_quarantine_says_that_two_persons_decide(shop, cashier):
    order = shop.contradict(shop.sell(0, 100))
    said = text(cashier, order)
    assert "held in suspense" in said
    assert "Two persons decide" in said
    assert reverse("counter:again", args=[order.number]) not in said


def test_the_live_part_asks_on_until_the_order_is_final(shop, cashier):
    order = shop.sell(0, 100)
    waiting = page(cashier, order, "live")
    assert waiting.status_code == 200
    assert "hx-trigger" in waiting.content.decode()
    assert "<html" not in waiting.content.decode()
    shop.deliver(order)
    final = page(cashier, order, "live")
    assert final.status_code == 286, "htmx stops asking"
    assert "hx-trigger" not in final.content.decode()
    assert "is on the meter" in final.content.decode()


def test_cancelling_asks_first_and_says_who_and_how_much(shop, cashier):
    order = shop.sell(0, 100)
    said = text(cashier, order, "cancel")
    for words in ("Give ¥100.00 back?", "老何小面店", "A-101", order.number):
        assert words in said
    order.refresh_from_db()
    assert order.state == "queued"


def test_a_waiting_order_is_cancelled_and_says_so(shop, cashier):
    order = shop.sell(0, 100)
    answer = cashier.post(reverse("counter:cancel", args=[order.number]), follow=True)
    order.refresh_from_db()
    assert order.state == "cancelled"
    assert "Give the money back against the receipt." in answer.content.decode()
    assert page(cashier, order, "live").status_code == 286


def test_a_sent_order_is_not_cancelled_by_a_stale_page(shop, cashier):
    order = shop.sell(0, 100)
    shop.arm(order)
    answer = cashier.post(reverse("counter:cancel", args=[order.number]), follow=True)
    order.refresh_from_db()
    assert order.state == "unknown"
    assert "Only an order that has not gone to the meter can be cancelled." in answer.content.decode()
    assert "Keep the order" not in text(cashier, order, "cancel")


def test_a_refused_order_is_sent_again(shop, cashier):
    order = shop.refuse(shop.sell(0, 100))
    answer = cashier.post(reverse("counter:again", args=[order.number]), follow=True)
    order.refresh_from_db()
    assert order.state == "queued"
    assert "waits for the line again" in answer.content.decode()
    assert OperationLog.objects.filter(action="vend.again", operator=cashier.operator).exists()
    twice = cashier.post(reverse("counter:again", args=[order.number]), follow=True).content.decode()
    assert "Only an order that the meter refused can be sent again." in twice


@pytest.mark.parametrize("name", ["order", "live", "cancel"])
def test_an_order_of_another_building_is_not_found(shop, browser, name):
    order = shop.sell(2, 100)
    assert page(browser("cashier", groups=(shop.floors[0],)), order, name).status_code == 404


@pytest.mark.parametrize("name", ["cancel", "again"])
def test_an_order_of_another_building_is_not_changed(shop, browser, name):
    order = shop.sell(2, 100)
    client = browser("cashier", groups=(shop.floors[0],))
    assert client.post(reverse(f"counter:{name}", args=[order.number])).status_code == 404
    order.refresh_from_db()
    assert order.state == "queued"


def test_who_only_sees_has_nothing_to_press(shop, browser):
    order = shop.sell(0, 100)
    said = text(browser("auditor"), order)
    assert reverse("counter:cancel", args=[order.number]) not in said
    assert reverse("counter:receipt", args=[order.number]) not in said


def test_the_page_is_in_chinese(shop, browser):
    said = text(browser("cashier", language="zh-hans"), shop.deliver(shop.sell(0, 100)))
    for words in ("已在电表里", "电表自己的证明", "购电次数", "售电前", "售电后", "到账凭证"):
        assert words in said


def test_an_order_that_cannot_be_cancelled_is_not_asked_about(shop, cashier):
    order = shop.deliver(shop.sell(0, 100))
    said = text(cashier, order, "cancel")
    assert "This order cannot be cancelled" in said
    assert "back?" not in said
