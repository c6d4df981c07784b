"""The wall, a unit's figures and days of consumption."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from prewatt.core.supply import Contact, UnitState
from prewatt.office.estate.models import Meter
from prewatt.office.readings import selectors
from prewatt.office.readings.models import GatewayState, MeterState, Reading
from tests.office import factories

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")
MOST_QUERIES = 5


def placed(group: object = None, **fields: object) -> Meter:
    return factories.make_meter(premises=factories.make_premises(group=group), **fields)


def state(meter: Meter, **fields: object) -> MeterState:
    values: dict[str, object] = {"at": factories.AT, "credit": 100_00, "contactor": 1, "contact": "ok", "version": 1}
    return MeterState.objects.create(meter=meter, **{**values, **fields})


def read(meter: Meter, at: datetime, energy: int | None) -> None:
    Reading.objects.create(meter_id=meter.pk, ts=int(at.timestamp()), energy_wh=energy, power_w=50, credit=1)


def test_a_tile_tells_place_customer_and_state() -> None:
    factories.make_site()
    zone = factories.make_group("zone", name="A区")
    floor = factories.make_group("floor", name="3层", parent=zone)
    meter = placed(floor)
    agreement = factories.make_agreement(meter=meter)
    state(meter, credit=30_00, power_w=400, energy_wh=9_000, purchase_number=3)
    [tile] = selectors.wall(factories.make_operator())
    assert (tile.zone, tile.floor, tile.unit, tile.customer) == (
        "A区",
        "3层",
        meter.premises.number,
        agreement.customer.name,
    )
    assert (tile.state, tile.credit, tile.power_w, tile.purse) == (UnitState.LOW_1, 30_00, 400, "money")
    assert (tile.contact, tile.serial, tile.agreement) == (Contact.OK, meter.serial, agreement.number)


def test_tiles_stand_in_the_order_of_the_building() -> None:
    factories.make_site()
    zones = [factories.make_group("zone", place=place) for place in (2, 1)]
    meters = [placed(zone) for zone in zones]
    shown = selectors.wall(factories.make_operator())
    assert [tile.meter_id for tile in shown] == [meters[1].pk, meters[0].pk]


@pytest.mark.parametrize(
    ("opened", "fields", "expected"),
    [
        (False, {}, UnitState.NOT_OPENED),
        (True, {}, UnitState.WELL),
        (True, {"contact": "out"}, UnitState.OUT_OF_CONTACT),
        (True, {"credit": None}, UnitState.OUT_OF_CONTACT),
        (True, {"mode": 2}, UnitState.FORCED_OFF),
        (True, {"credit": 0, "contactor": 2}, UnitState.OFF_EMPTY),
        (True, {"credit": -5}, UnitState.ON_OVERDRAFT),
        (True, {"credit": 10_00}, UnitState.LOW_2),
    ],
)
def test_a_tiles_state_follows_the_one_precedence(opened: bool, fields: dict[str, object], expected: UnitState) -> None:
    factories.make_site()
    meter = placed()
    if opened:
        factories.make_agreement(meter=meter)
    state(meter, **fields)
    assert selectors.wall(factories.make_operator())[0].state == expected


def test_a_meter_behind_a_lost_gateway_is_unknown_not_lost() -> None:
    meter = placed()
    state(meter)
    GatewayState.objects.create(gateway=meter.line.gateway, contact="out")
    assert selectors.wall(factories.make_operator())[0].contact is Contact.UNKNOWN


def test_an_operator_sees_their_part_of_the_building_only() -> None:
    mine, other = factories.make_group(), factories.make_group()
    meter = placed(mine)
    state(placed(other), version=5)
    state(meter, version=5)
    operator = factories.make_operator("cashier", groups=(mine,))
    assert [tile.meter_id for tile in selectors.wall(operator)] == [meter.pk]
    assert [tile.meter_id for tile in selectors.changed_tiles(operator, 4)] == [meter.pk]
    with pytest.raises(Meter.DoesNotExist):
        selectors.meter_view(operator, Meter.objects.exclude(pk=meter.pk).get().pk)


def test_only_what_changed_after_a_version_is_sent_again() -> None:
    first, second = placed(), placed()
    state(first, version=7)
    state(second, version=8)
    operator = factories.make_operator()
    assert selectors.version() == 8
    assert [tile.meter_id for tile in selectors.changed_tiles(operator, 7)] == [second.pk]
    assert selectors.changed_tiles(operator, 8) == []


def test_the_wall_costs_a_few_queries_however_large_it_is() -> None:
    factories.make_site()
    line = factories.make_line()
    for _ in range(12):
        state(factories.make_meter(line=line, premises=factories.make_premises()))
    operator = factories.make_operator()
    with CaptureQueriesContext(connection) as queries:
        assert len(selectors.wall(operator)) == 12
    assert len(queries) <= MOST_QUERIES


def test_totals_of_the_day_count_energy_since_the_sites_midnight() -> None:
    factories.make_site()
    meter = placed()
    midnight = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)  # 00:00 on the 23rd in Shanghai
    read(meter, midnight - timedelta(minutes=30), 900)
    read(meter, midnight, 1_000)
    read(meter, midnight + timedelta(minutes=30), 1_100)
    state(meter, energy_wh=1_750, power_w=300)
    totals = selectors.totals_today(factories.make_operator(), at=factories.AT)
    assert (totals.units, totals.energy_today_wh, totals.power_w, totals.credit_fen) == (1, 750, 300, 100_00)
    assert totals.by_state == {UnitState.NOT_OPENED: 1}


def test_a_meter_first_read_today_counts_from_its_first_reading() -> None:
    meter = placed()
    read(meter, factories.AT - timedelta(hours=1), 5_000)
    state(meter, energy_wh=5_200)
    assert selectors.totals_today(factories.make_operator(), at=factories.AT).energy_today_wh == 200


def test_history_is_what_was_stored_in_that_span() -> None:
    meter = placed()
    for hours in range(4):
        read(meter, factories.AT + timedelta(hours=hours), 1_000 + hours)
    points = selectors.history(meter, factories.AT + timedelta(hours=1), factories.AT + timedelta(hours=3))
    assert [point.energy_wh for point in points] == [1_001, 1_002]
    assert points[0].at == factories.AT + timedelta(hours=1)


class TestDailyEnergy:
    """Consumption by civil day of the site."""

    begin = datetime(2026, 11, 20, 0, 0, tzinfo=ZONE)

    def days(self, meter: Meter, count: int = 3) -> list[int | None]:
        end = date(2026, 11, 20) + timedelta(days=count - 1)
        return [day.energy_wh for day in selectors.daily_energy(meter, date(2026, 11, 20), end, ZONE)]

    def test_a_day_lasts_from_midnight_to_midnight(self) -> None:
        meter = placed()
        for half_hours in range(-2, 48 * 3 + 2):
            read(meter, self.begin + timedelta(minutes=30 * half_hours, seconds=4), 100_000 + 10 * half_hours)
        assert self.days(meter) == [480, 480, 480]

    def test_energy_at_midnight_lies_between_the_readings_around_it(self) -> None:
        meter = placed()
        read(meter, self.begin - timedelta(minutes=15), 1_000)
        read(meter, self.begin + timedelta(minutes=15), 1_100)
        read(meter, self.begin + timedelta(hours=12), 1_500)
        assert self.days(meter, 1) == [450]

    def test_a_day_without_readings_has_no_figure(self) -> None:
        meter = placed()
        read(meter, self.begin + timedelta(hours=1), 1_000)
        read(meter, self.begin + timedelta(hours=20), 1_400)
        assert self.days(meter) == [400, None, None]

    def test_a_register_that_went_back_has_no_figure(self) -> None:
        meter = placed()
        read(meter, self.begin + timedelta(hours=1), 9_000)
        read(meter, self.begin + timedelta(hours=2), 10)
        assert self.days(meter, 1) == [None]

    def test_readings_without_energy_do_not_count(self) -> None:
        meter = placed()
        read(meter, self.begin + timedelta(hours=1), None)
        assert self.days(meter, 1) == [None]


def test_status_shows_meters_without_a_unit_too() -> None:
    placed()
    factories.make_meter(line=factories.make_line(), role="line-total")
    assert len(selectors.status()) == 2
    assert len(selectors.wall(factories.make_operator())) == 1


def test_a_meters_page_has_everything_of_it() -> None:
    meter = placed()
    state(meter, voltage_a=2_201)
    view = selectors.meter_view(factories.make_operator(), meter.pk)
    assert (view.tile.meter_id, view.meter.pk, view.gateway_contact) == (meter.pk, meter.pk, Contact.UNKNOWN)
    assert view.state is not None
    assert view.state.voltage_a == 2_201


def test_gateways_tell_their_contact() -> None:
    gateway = factories.make_gateway()
    GatewayState.objects.create(gateway=gateway, contact="ok", since=factories.AT)
    for operator in (None, factories.make_operator()):
        [found] = selectors.gateway_contacts(operator)
        assert (found.name, found.contact, found.since) == (gateway.name, Contact.OK, factories.AT)
