"""Selling: one transaction, one key, one order; and what the counter is told when it cannot be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from prewatt.core.errors import Refusal
from prewatt.core.money import Money
from prewatt.office.ledger import selectors as ledger
from prewatt.office.ledger.models import AccountKind, Entry
from prewatt.office.operators.models import OperationLog
from prewatt.office.readings.models import MeterState
from prewatt.office.vending import selectors
from prewatt.office.vending.invariants import check
from prewatt.office.vending.models import Counter, CreditEvent, CreditOrder, Receipt
from prewatt.office.vending.services import cancel_queued
from tests.office import factories
from tests.office.vending.desk import AMOUNT, Desk, fresh


def test_a_sale_writes_order_entries_receipt_and_log(desk: Desk) -> None:
    order = desk.sell()
    assert order.state == "queued"
    assert ledger.balance(AccountKind.CASH, "A/cash") == -AMOUNT
    assert ledger.balance(AccountKind.PENDING, str(desk.meter.pk)) == AMOUNT
    paper = Receipt.objects.get(order=order)
    assert (paper.kind, paper.number, paper.body["amount_in_words"]) == ("money", "A-00000001", "壹佰元整")
    assert paper.body["customer"] == desk.agreement.customer.name
    logged = OperationLog.objects.get(action="vend.sell")
    assert logged.operator == desk.cashier
    assert logged.data["fen"] == AMOUNT.fen
    assert CreditEvent.objects.get(order=order).to_state == "queued"
    assert check() == []


def test_the_same_form_gives_the_same_order(desk: Desk) -> None:
    first = desk.sell(key="form")
    assert desk.sell(key="form", sure=False) == first
    assert (CreditOrder.objects.count(), Entry.objects.count(), Receipt.objects.count()) == (1, 2, 1)


def test_a_key_used_for_another_sale_is_refused(desk: Desk) -> None:
    desk.sell(key="form")
    with pytest.raises(Refusal, match="already used") as refused:
        desk.sell(Money(200_00), key="form")
    assert refused.value.code == "key-reused"
    assert CreditOrder.objects.count() == 1


def test_a_repeated_form_is_answered_after_the_supply_was_closed(desk: Desk) -> None:
    order = desk.sell(key="form")
    type(desk.agreement).objects.filter(pk=desk.agreement.pk).update(closed_at=desk.clock.now())
    assert desk.sell(key="form") == order


def test_a_double_click_asks_before_it_sells_again(desk: Desk) -> None:
    first = desk.sell()
    with pytest.raises(Refusal) as refused:
        desk.sell(sure=False)
    assert (refused.value.code, refused.value.params["number"]) == ("looks-double", first.number)
    assert desk.sell(sure=True) != first


def test_the_same_amount_after_two_minutes_is_another_sale(desk: Desk) -> None:
    desk.sell()
    desk.clock.step(121)
    assert desk.sell(sure=False).number == "A-00000002"


def test_a_cancelled_sale_is_no_double(desk: Desk) -> None:
    cancel_queued(order=desk.sell(), by=desk.cashier, at=desk.clock.now())
    assert desk.sell(sure=False).state == "queued"


@pytest.mark.parametrize("fen", [0, -100, 99, 20_000_01])
def test_amounts_outside_the_sites_limits_are_refused(desk: Desk, fen: int) -> None:
    with pytest.raises(Refusal) as refused:
        desk.sell(Money(fen))
    assert refused.value.code == "amount-limits"


def test_the_ceiling_counts_what_the_meter_holds_and_what_is_on_its_way(desk: Desk) -> None:
    factories.make_site(stored_credit_max_fen=300_00)
    MeterState.objects.create(meter=desk.meter, credit=100_00)
    desk.sell(Money(150_00))
    with pytest.raises(Refusal) as refused:
        desk.sell(Money(51_00))
    assert (refused.value.code, refused.value.params["room"]) == ("over-ceiling", Money(50_00))


def test_a_unit_without_supply_is_refused(desk: Desk) -> None:
    other = factories.make_meter(premises=factories.make_premises())
    with pytest.raises(Refusal) as refused:
        desk.sell(meter=other)
    assert refused.value.code == "not-supplied"


def test_a_meter_that_takes_no_credit_is_refused(desk: Desk) -> None:
    type(desk.meter).objects.filter(pk=desk.meter.pk).update(profile="acrel-adf400l")
    with pytest.raises(Refusal) as refused:
        desk.sell()
    assert refused.value.code == "takes-no-credit"


def test_a_way_of_paying_must_be_known(desk: Desk) -> None:
    with pytest.raises(Refusal) as refused:
        desk.sell(method="shells")
    assert refused.value.code == "unknown-method"


def test_nobody_sells_outside_their_part_of_the_building(desk: Desk) -> None:
    stranger = factories.make_operator("cashier", groups=(factories.make_group(),))
    with pytest.raises(Refusal) as refused:
        desk.sell(by=stranger)
    assert refused.value.code == "outside-scope"
    order = desk.sell()
    with pytest.raises(Refusal):
        cancel_queued(order=order, by=stranger, at=desk.clock.now())
    assert not selectors.orders(stranger).exists()
    assert not selectors.receipts(stranger).exists()


def test_receipts_are_numbered_without_gaps_even_after_a_refused_sale(desk: Desk) -> None:
    desk.sell()
    with pytest.raises(Refusal):
        desk.sell(Money(1))
    desk.sell()
    assert list(Receipt.objects.order_by("pk").values_list("number", flat=True)) == ["A-00000001", "A-00000002"]
    assert Counter.objects.get().last_receipt == 2


def test_cancelling_gives_the_money_back_by_new_entries(desk: Desk) -> None:
    order = cancel_queued(order=desk.sell(), by=desk.cashier, at=desk.clock.now())
    assert order.state == "cancelled"
    assert ledger.balance(AccountKind.CASH) == Money(0) == ledger.balance(AccountKind.PENDING)
    assert Entry.objects.count() == 4
    with pytest.raises(Refusal) as refused:
        cancel_queued(order=order, by=desk.cashier, at=desk.clock.now())
    assert refused.value.code == "not-cancellable"
    assert check() == []


def test_an_order_in_flight_cannot_be_cancelled(desk: Desk) -> None:
    order = desk.sell()
    desk.armed(order)
    with pytest.raises(Refusal) as refused:
        cancel_queued(order=order, by=desk.cashier, at=desk.clock.now())
    assert refused.value.code == "not-cancellable"
    assert fresh(order).state == "unknown"


def test_totals_of_the_day_say_where_the_money_is(desk: Desk) -> None:
    desk.deliver(Money(30_00))
    desk.sell(Money(50_00))
    cancel_queued(order=desk.sell(Money(70_00)), by=desk.cashier, at=desk.clock.now())
    totals = selectors.sales_today(desk.cashier, at=desk.clock.now())
    assert (totals.count, totals.sold, totals.delivered, totals.pending) == (
        2,
        Money(80_00),
        Money(30_00),
        Money(50_00),
    )
    tomorrow = desk.clock.now() + timedelta(days=1)
    assert selectors.sales_today(desk.cashier, at=tomorrow).count == 0
    assert selectors.pending_fen([desk.meter.pk]) == {desk.meter.pk: 50_00}
