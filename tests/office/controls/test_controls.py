"""Read-now orders: one for each click, claimed once, lapsing when nobody carries them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from prewatt.core.errors import Refusal
from prewatt.office.controls import selectors, services
from prewatt.office.controls.models import ControlOrder
from prewatt.office.estate.models import Meter
from prewatt.office.operators.models import OperationLog, Operator
from tests.office import factories

pytestmark = pytest.mark.django_db
AT = factories.AT


@pytest.fixture
def meter() -> Meter:
    return factories.make_meter(premises=factories.make_premises())


@pytest.fixture
def operator() -> Operator:
    return factories.make_operator()


def ask(operator: Operator, *meters: Meter, key: str = "click") -> list[ControlOrder]:
    return services.request_read_now(meters=list(meters), key=key, by=operator, at=AT)


def claim(meter: Meter, token: int = 1, seconds: int = 1) -> list[ControlOrder]:
    return services.claim(leases=[(meter.line.gateway_id, token)], limit=10, at=AT + timedelta(seconds=seconds))


def test_a_click_asks_each_meter_once(meter: Meter, operator: Operator) -> None:
    other = factories.make_meter(line=meter.line)
    first = ask(operator, meter, other, meter)
    assert ask(operator, meter, other) == first
    assert len(first) == 2
    assert OperationLog.objects.filter(action="meter.read-now").count() == 1
    assert ask(operator, meter, key="another click")[0] not in first
    assert services.work_waiting(at=AT)


def test_an_order_is_claimed_by_one_and_reported_once(meter: Meter, operator: Operator) -> None:
    [order] = ask(operator, meter)
    assert claim(meter) == [order]
    assert claim(meter) == []
    assert selectors.is_reading(meter)
    at = AT + timedelta(seconds=3)
    assert services.done(order_id=order.pk, token=1, outcome="done", reason="", at=at)
    assert not services.done(order_id=order.pk, token=1, outcome="failed", reason="again", at=at)
    latest = selectors.latest(meter)
    assert latest is not None
    assert (latest.state, latest.finished_at) == ("done", at)
    assert not selectors.is_reading(meter)


def test_who_takes_the_gateway_over_takes_its_orders_over(meter: Meter, operator: Operator) -> None:
    [order] = ask(operator, meter)
    claim(meter, token=1)
    assert claim(meter, token=2) == [order]
    assert not services.done(order_id=order.pk, token=1, outcome="done", reason="", at=AT)
    assert services.done(order_id=order.pk, token=2, outcome="failed", reason="timeout", at=AT)


def test_a_gateway_that_is_not_leased_is_left_alone(meter: Meter, operator: Operator) -> None:
    ask(operator, meter)
    assert services.claim(leases=[(meter.line.gateway_id + 1, 1)], limit=10, at=AT) == []


def test_a_wish_nobody_carried_lapses(meter: Meter, operator: Operator) -> None:
    ask(operator, meter)
    assert claim(meter, seconds=121) == []
    assert (ControlOrder.objects.get().state, ControlOrder.objects.get().reason) == ("failed", "too-late")
    assert not services.work_waiting(at=AT + timedelta(seconds=121))


def test_no_more_are_claimed_than_asked_for(meter: Meter, operator: Operator) -> None:
    ask(operator, meter, factories.make_meter(line=meter.line))
    assert len(services.claim(leases=[(meter.line.gateway_id, 1)], limit=1, at=AT)) == 1


def test_nobody_asks_outside_their_part_of_the_building(meter: Meter) -> None:
    stranger = factories.make_operator("cashier", groups=(factories.make_group(),))
    with pytest.raises(Refusal) as refused:
        ask(stranger, meter)
    assert refused.value.code == "outside-scope"
    assert not selectors.orders(stranger).exists()
