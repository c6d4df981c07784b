"""Scans of lines and calls to gateways: who may ask, what is claimed, how far it is told to be, how it is stopped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest

from prewatt.core.errors import Refusal
from prewatt.field.headend.store import Found
from prewatt.office.controls import line_services, selectors, services
from prewatt.office.controls.models import ControlOrder, ControlState
from prewatt.office.estate.models import Line
from prewatt.office.operators.models import OperationLog, Operator
from tests.office import factories

pytestmark = pytest.mark.django_db
AT = factories.AT


@pytest.fixture
def line() -> Line:
    return factories.make_line()


@pytest.fixture
def port() -> Line:
    gateway = factories.make_gateway(kind="serial", host="", port=None, device="/dev/ttyUSB0")
    return factories.make_line(gateway=gateway)


@pytest.fixture
def engineer() -> Operator:
    return factories.make_operator("engineer")


def ask(
    line: Line, by: Operator | None, first: int = 1, last: int = 247, settings: Iterable[tuple[int, str]] = (),
    key: str = "click",
) -> ControlOrder:  # fmt: skip
    return line_services.request_scan(line=line, first=first, last=last, settings=settings, key=key, by=by, at=AT)


def claim(line: Line, token: int = 1, seconds: int = 1) -> list[ControlOrder]:
    return services.claim(leases=[(line.gateway_id, token)], limit=10, at=AT + timedelta(seconds=seconds))


def test_a_click_is_one_scan(line: Line, engineer: Operator) -> None:
    order = ask(line, engineer)
    assert ask(line, engineer) == order
    assert (order.total, order.body) == (247, {"from": 1, "to": 247, "settings": "9600N"})
    assert list(selectors.scans(engineer)) == [order]
    assert not selectors.orders(engineer).exists()  # those are about meters
    assert OperationLog.objects.filter(action="line.scan").count() == 1
    with pytest.raises(Refusal, match="being scanned already"):
        ask(line, engineer, key="another")


@pytest.mark.parametrize(("first", "last"), [(0, 9), (9, 8), (1, 248)])
def test_only_addresses_that_exist_are_asked(line: Line, engineer: Operator, first: int, last: int) -> None:
    with pytest.raises(Refusal) as refused:
        ask(line, engineer, first, last)
    assert refused.value.code == "scan-range"


def test_other_speeds_only_at_a_serial_port(line: Line, port: Line, engineer: Operator) -> None:
    with pytest.raises(Refusal) as refused:
        ask(line, engineer, settings=[(4800, "E")])
    assert refused.value.code == "scan-fixed-speed"
    assert ask(port, engineer, settings=[(9600, "N"), (4800, "E"), (9600, "N")]).body["settings"] == "9600N,4800E"
    with pytest.raises(Refusal) as refused:
        ask(port, engineer, settings=[(4711, "E")], key="odd")
    assert refused.value.code == "scan-settings"


def test_a_scan_is_carried_by_the_leader_of_its_gateway(line: Line, engineer: Operator) -> None:
    order = ask(line, engineer)
    assert services.claim(leases=[(line.gateway_id + 1, 1)], limit=10, at=AT) == []
    assert claim(line) == [order]
    assert claim(line) == []
    assert claim(line, token=2) == [order]  # taken over
    assert line_services.progress(order_id=order.pk, token=1, asked=5, found=[]) is None
    assert services.done(order_id=order.pk, token=2, outcome="done", reason="", at=AT)


def test_results_are_kept_once_each(line: Line, engineer: Operator) -> None:
    order = ask(line, engineer, 1, 20)
    claim(line)
    found = [Found(9600, "N", 3, "acrel-ddsy1352-nk", "", 7, "260000000003"), Found(9600, "N", 5, "", "a, b")]
    assert line_services.progress(order_id=order.pk, token=1, asked=6, found=found[:1])
    assert line_services.progress(order_id=order.pk, token=1, asked=99, found=found)
    order.refresh_from_db()
    assert order.asked == 20
    rows = order.results.order_by("address").values_list("address", "profile", "candidates", "model_code", "serial")
    assert list(rows) == [(3, "acrel-ddsy1352-nk", "", 7, "260000000003"), (5, "", "a, b", None, "")]


def test_a_scan_nobody_carries_is_stopped_at_once(line: Line, engineer: Operator) -> None:
    order = ask(line, engineer)
    line_services.cancel_scan(order=order, by=engineer, at=AT)
    order.refresh_from_db()
    assert (order.state, order.reason) == (ControlState.FAILED, "cancelled")
    assert claim(line) == []
    assert OperationLog.objects.filter(action="line.scan.cancel").count() == 1


def test_a_scan_under_way_is_told_to_stop(line: Line, engineer: Operator) -> None:
    order = ask(line, engineer)
    claim(line)
    line_services.cancel_scan(order=order, by=engineer, at=AT)
    assert line_services.progress(order_id=order.pk, token=1, asked=9, found=[]) is False
    assert services.done(order_id=order.pk, token=1, outcome="failed", reason="cancelled", at=AT)
    line_services.cancel_scan(order=order, by=engineer, at=AT + timedelta(seconds=9))  # too late to matter
    assert OperationLog.objects.filter(action="line.scan.cancel").count() == 1


def test_a_gateway_is_called_once_a_click(line: Line, engineer: Operator) -> None:
    order = line_services.request_reconnect(gateway=line.gateway, key="k", by=engineer, at=AT)
    assert line_services.request_reconnect(gateway=line.gateway, key="k", by=engineer, at=AT) == order
    assert claim(line) == [order]
    assert list(selectors.reconnects(engineer)) == [order]
    assert OperationLog.objects.filter(action="gateway.reconnect").count() == 1


def test_nobody_reaches_outside_their_part_of_the_building(line: Line) -> None:
    stranger = factories.make_operator("engineer", groups=(factories.make_group(),))
    for attempt in (
        lambda: ask(line, stranger),
        lambda: line_services.request_reconnect(gateway=line.gateway, key="k", by=stranger, at=AT),
    ):
        with pytest.raises(Refusal) as refused:
            attempt()
        assert refused.value.code == "outside-scope"
    ask(line, None)
    assert not selectors.scans(stranger).exists()
