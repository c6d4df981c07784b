"""When the mains fail nothing new is armed, and what is open is finished."""

from __future__ import annotations

from prewatt.field.headend.store import Next, Refused
from prewatt.office.estate.power import on_battery, set_battery
from prewatt.office.operators.models import OperationLog
from prewatt.office.vending.services import delivery
from tests.office.vending.desk import Desk, fresh


def test_from_a_battery_nothing_is_armed_until_the_mains_are_back(desk: Desk) -> None:
    order = desk.sell()
    assert set_battery(on=True, by=None, at=desk.clock.now(), source="test")
    assert desk.due() == []
    assert not delivery.work_waiting(at=desk.clock.now())
    # a head-end that was told of the order just before
    leave = desk.arm(order)
    assert isinstance(leave, Refused)
    assert leave.reason == "on-battery"
    assert leave.retry_at_ms
    assert fresh(order).state == "queued"
    assert set_battery(on=False, by=None, at=desk.clock.now())
    desk.settle(20)
    assert fresh(order).state == "delivered"
    assert desk.purse.count == 8


def test_an_open_attempt_is_finished_on_the_battery(desk: Desk) -> None:
    order = desk.sell()
    permit = desk.armed(order)
    set_battery(on=True, by=None, at=desk.clock.now())
    # the frame was lost: the same number goes out once more
    assert desk.observe(order).next is Next.AGAIN
    desk.send(permit)
    desk.settle(120)
    assert fresh(order).state == "delivered"


def test_the_signal_is_logged_once_for_each_change(desk: Desk) -> None:
    at = desk.clock.now()
    assert [set_battery(on=on, by=None, at=at) for on in (False, True, True, False)] == [False, True, False, True]
    assert not on_battery()
    told = OperationLog.objects.filter(action__startswith="site.battery").order_by("pk")
    assert list(told.values_list("action", flat=True)) == ["site.battery.on", "site.battery.off"]
