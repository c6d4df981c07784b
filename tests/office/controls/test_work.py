"""Work orders: one open for each meter or gateway, closed once with what was found."""

from __future__ import annotations

from datetime import timedelta

import pytest

from prewatt.core.errors import Refusal
from prewatt.office.controls import selectors, work
from prewatt.office.controls.models import WorkOrder
from prewatt.office.estate.models import Gateway, Meter
from prewatt.office.operators.errors import FormRefusal
from prewatt.office.operators.models import OperationLog, Operator
from tests.office import factories

pytestmark = pytest.mark.django_db
AT = factories.AT
LATER = AT + timedelta(hours=2)


@pytest.fixture
def manager() -> Operator:
    return factories.make_operator("manager")


@pytest.fixture
def meter() -> Meter:
    return factories.make_meter(premises=factories.make_premises())


def send(by: Operator, thing: Meter | Gateway, person: str = "王师傅") -> WorkOrder:
    return work.open_work_order(at_thing=thing, person=person, note="看一下接线", by=by, at=AT)


def test_work_is_opened_and_closed_with_a_result(manager: Operator, meter: Meter) -> None:
    order = send(manager, meter)
    assert list(selectors.work_orders(manager)) == [order]
    closed = work.close_work_order(order=order, result="端子松动，已紧固", by=manager, at=LATER)
    assert (closed.closed_at, closed.closed_by, closed.result) == (LATER, manager, "端子松动，已紧固")
    logged = OperationLog.objects.filter(action__startswith="work.").order_by("pk").values_list("action", "subject")
    assert list(logged) == [("work.open", meter.name), ("work.close", meter.name)]
    with pytest.raises(Refusal) as refused:
        work.close_work_order(order=order, result="again", by=manager, at=LATER)
    assert refused.value.code == "work-closed"


def test_one_open_order_for_each(manager: Operator, meter: Meter) -> None:
    order = send(manager, meter)
    send(manager, meter.line.gateway)
    with pytest.raises(Refusal) as refused:
        send(manager, meter)
    assert refused.value.code == "work-open"
    work.close_work_order(order=order, result="好了", by=manager, at=LATER)
    assert send(manager, meter).pk != order.pk


def test_a_person_and_a_result_are_needed(manager: Operator, meter: Meter) -> None:
    with pytest.raises(FormRefusal) as refused:
        send(manager, meter, person="  ")
    assert set(refused.value.errors) == {"person"}
    order = send(manager, meter)
    with pytest.raises(FormRefusal) as refused:
        work.close_work_order(order=order, result=" ", by=manager, at=LATER)
    assert set(refused.value.errors) == {"result"}


def test_nobody_sends_anybody_into_another_part_of_the_building(manager: Operator, meter: Meter) -> None:
    stranger = factories.make_operator("manager", groups=(factories.make_group(),))
    order = send(manager, meter)
    assert not selectors.work_orders(stranger).exists()
    for attempt in (
        lambda: send(stranger, meter),
        lambda: send(stranger, meter.line.gateway),
        lambda: work.close_work_order(order=order, result="x", by=stranger, at=LATER),
    ):
        with pytest.raises(Refusal) as refused:
            attempt()
        assert refused.value.code == "outside-scope"
