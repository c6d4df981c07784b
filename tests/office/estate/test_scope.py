"""Scope: an operator of one building sees and touches that building, and hands out no more than it."""

from __future__ import annotations

import pytest

from prewatt.core.errors import Refusal
from prewatt.office.estate import selectors, services
from prewatt.office.estate.errors import FormRefusal
from prewatt.office.estate.models import Meter, UnitGroup
from prewatt.office.operators.models import Operator, Role
from tests.office import factories as make

pytestmark = pytest.mark.django_db


class Two:
    """Two zones of the same shape, and an operator of the first."""

    def __init__(self) -> None:
        self.zones = [make.make_group(name=name) for name in ("A区", "B区")]
        self.floors = [make.make_group("floor", parent=zone) for zone in self.zones]
        self.gateways = [make.make_gateway(zone=zone) for zone in self.zones]
        self.lines = [make.make_line(gateway=gateway) for gateway in self.gateways]
        self.units = [make.make_premises(group=floor) for floor in self.floors]
        self.meters = [
            make.make_meter(line=row, premises=unit) for row, unit in zip(self.lines, self.units, strict=True)
        ]
        self.loose = [make.make_meter(line=row) for row in self.lines]
        self.mine = make.make_operator("manager", groups=(self.zones[0],))


@pytest.fixture
def two() -> Two:
    return Two()


def test_a_limited_operator_sees_their_part_and_all_below_it(two: Two) -> None:
    assert list(selectors.groups(two.mine).order_by("pk")) == [two.zones[0], two.floors[0]]
    assert list(selectors.gateways(two.mine)) == [two.gateways[0]]
    assert list(selectors.lines(two.mine)) == [two.lines[0]]
    assert list(selectors.premises(two.mine)) == [two.units[0]]
    assert set(selectors.meters(two.mine)) == {two.meters[0], two.loose[0]}


def test_without_a_limit_everything_is_visible(two: Two) -> None:
    everywhere = make.make_operator("manager")
    assert selectors.scope_groups(everywhere) is None
    assert selectors.meters(everywhere).count() == Meter.objects.count() == 4


def test_a_new_group_below_is_visible_at_once(two: Two) -> None:
    deeper = make.make_group("group", parent=two.floors[0])
    assert deeper in selectors.groups(two.mine)


def test_retired_things_show_only_when_asked_for(two: Two) -> None:
    services.retire(instance=two.loose[0], by=None, at=make.AT)
    assert two.loose[0] not in selectors.meters(two.mine)
    assert two.loose[0] in selectors.meters(two.mine, retired=True)


def test_nothing_outside_can_be_changed(two: Two) -> None:
    by, at = two.mine, make.AT
    attempts = (
        lambda: services.save_group(instance=two.floors[1], by=by, at=at, name="我的"),
        lambda: services.save_group(instance=two.floors[0], by=by, at=at, parent=two.zones[1]),
        lambda: services.save_group(instance=None, by=by, at=at, name="新", kind="zone", parent=None),
        lambda: services.save_gateway(instance=two.gateways[1], by=by, at=at, host="127.0.0.2"),
        lambda: services.save_gateway(instance=two.gateways[1], by=by, at=at, zone=two.zones[0]),
        lambda: services.save_line(instance=two.lines[1], by=by, at=at, baud=19200),
        lambda: services.save_line(instance=two.lines[1], by=by, at=at, gateway=two.gateways[0], channel=9),
        lambda: services.save_premises(instance=two.units[1], by=by, at=at, group=two.floors[0]),
        lambda: services.save_premises(instance=two.units[0], by=by, at=at, group=None),
        lambda: services.save_meter(instance=two.meters[1], by=by, at=at, cabinet="x"),
        lambda: services.save_meter(instance=two.loose[0], by=by, at=at, premises=two.units[1]),
        lambda: services.save_meter(instance=two.loose[0], by=by, at=at, line=two.lines[1]),
        lambda: services.save_site(by=by, at=at, price=1),
    )
    make.make_site()
    for attempt in attempts:
        with pytest.raises(FormRefusal) as refused:
            attempt()
        assert refused.value.errors
    with pytest.raises(Refusal) as outside:
        services.retire(instance=two.loose[1], by=by, at=at)
    assert outside.value.code == "outside-scope"


def test_ones_own_part_can_be_changed(two: Two) -> None:
    by, at = two.mine, make.AT
    assert services.save_group(instance=two.zones[0], by=by, at=at, name="甲区").name == "甲区"
    assert services.save_meter(instance=two.loose[0], by=by, at=at, premises=two.units[0]).premises == two.units[0]
    assert services.save_line(instance=two.lines[0], by=by, at=at, log_frames=True).log_frames


def test_nobody_hands_out_more_of_the_building_than_their_own(two: Two) -> None:
    boss = make.make_operator("administrator", groups=(two.zones[0],))
    cashier = list(Role.objects.filter(code="cashier"))
    fields = {"name": "新", "password": make.PASSWORD, "roles": cashier, "by": boss, "at": make.AT}
    for groups in ([], [two.zones[1]], [two.floors[0], two.floors[1]]):
        with pytest.raises(FormRefusal):
            services.add_operator(username="new", groups=groups, **fields)
    assert not Operator.objects.filter(username="new").exists(), "refused together with the operator"
    made = services.add_operator(username="new", groups=[two.floors[0]], **fields)
    assert selectors.scope_groups(made) == {two.floors[0].pk}
    with pytest.raises(Refusal):
        services.set_scope(operator=boss, groups=[two.floors[0]], by=boss, at=make.AT)
    other = make.make_operator("cashier", groups=(two.zones[1],))
    with pytest.raises(FormRefusal):
        services.set_scope(operator=other, groups=[two.floors[0]], by=boss, at=make.AT)


def test_a_group_never_lies_within_itself() -> None:
    zone = make.make_group()
    floor = make.make_group("floor", parent=zone)
    for parent in (zone, floor):
        with pytest.raises(FormRefusal) as refused:
            services.save_group(instance=zone, by=None, at=make.AT, parent=parent)
        assert list(refused.value.errors) == ["parent"]
    assert UnitGroup.objects.get(pk=zone.pk).parent is None
