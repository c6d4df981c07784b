"""The demo building: as many units, tenants and troubles as a believable wall has, and a past that leads to its first day."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from prewatt.core.supply import AlarmLevels, Contact, ContactorState, SupplyMode, unit_state
from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.past import credit_at, opening_bands, past
from prewatt.field.simulator.plan import ADF, DDSY, DTSY, MeterPlan, bench, describe
from tests.field.simulator.make import NOON_MS

BUILDING = describe(1)
START = NOON_MS / 1000


def test_four_zones_with_a_gateway_and_two_lines_of_24_meters_each() -> None:
    assert len(BUILDING.zones) == len(BUILDING.gateways) == 4
    for gateway in BUILDING.gateways:
        assert [line.channel for line in gateway.lines] == [1, 2]
        for line, profile in zip(gateway.lines, (DDSY, DTSY), strict=True):
            assert {meter.profile for meter in line.meters} == {profile}
            assert sorted(meter.address for meter in line.meters) == list(range(1, 25))


@pytest.mark.parametrize("seed", [1, 2, 33])
def test_numbers_names_and_serials_are_nobody_elses(seed: int) -> None:
    plan = describe(seed)
    customers = [unit.customer for unit in plan.units if unit.customer]
    for values in ([unit.number for unit in plan.units], customers, [meter.serial for meter in plan.meters()]):
        assert len(values) == len(set(values))
    assert len(plan.units) == 192
    assert len(customers) == 170
    assert all(len(meter.serial) == 12 and meter.serial.isdecimal() for meter in plan.meters())


def test_floors_of_units_are_floors_of_their_zones() -> None:
    floors = {floor: zone.name for zone in BUILDING.zones for floor in zone.floors}
    assert all(floors[unit.floor] == unit.zone for unit in BUILDING.units)


def test_the_wall_is_mostly_well_with_a_few_of_each_trouble() -> None:
    seen = Counter(_state(plan) for plan in BUILDING.meters() if not plan.dead)
    assert seen == {
        "well": 147, "low-1": 8, "low-2": 5, "on-overdraft": 3, "off-empty": 3, "forced-off": 2, "not-opened": 22,
    }  # fmt: skip
    assert sum(plan.dead for plan in BUILDING.meters()) == 2
    assert sum(plan.mode == "held-on" for plan in BUILDING.meters()) == 2


def test_a_week_later_the_wall_is_still_believable() -> None:
    seen = Counter(_state(plan, days=7) for plan in BUILDING.meters() if plan.intent != "dead")
    assert seen["well"] >= 140
    assert seen["off-empty"] <= 10
    assert seen["on-overdraft"] == 3


def _state(plan: MeterPlan, days: int = 0) -> str:
    meter = SimulatedMeter(plan, NOON_MS)
    meter.advance(NOON_MS + days * 86_400_000)
    return unit_state(
        opened=plan.opened,
        contact=Contact.OK,
        mode=SupplyMode(plan.mode),
        contactor=ContactorState.CLOSED if meter.relay.closed else ContactorState.OPEN,
        credit=meter.purse.remaining,
        levels=AlarmLevels(plan.alarm_1_fen, plan.alarm_2_fen),
    ).value


def test_no_meter_is_asked_to_show_more_than_its_registers_hold() -> None:
    for plan in BUILDING.meters():
        assert plan.scale_w * 1.45 < 32_767
        assert plan.credit_fen <= plan.ceiling_fen


@pytest.mark.parametrize("intent", ["well", "low-1", "low-2", "on-overdraft", "off-empty"])
def test_the_past_leads_to_what_the_meter_holds(intent: str) -> None:
    for plan in [meter for meter in BUILDING.meters() if meter.intent == intent][:6]:
        told = past(plan, START)
        assert told.purchases
        assert told.purchases[-1].count == told.count
        assert [bought.count for bought in told.purchases] == list(
            range(told.count - len(told.purchases) + 1, told.count + 1)
        )
        for bought in told.purchases:
            assert bought.after_fen == bought.before_fen + bought.amount_fen
            assert credit_at(plan, START, bought.at, told.purchases) == bought.after_fen
            assert bought.amount_fen % 50_00 == 0
        assert sum(bought.amount_fen for bought in told.purchases) <= told.total_fen
        assert sum(opening_bands(plan, START)) == plan.energy_wh


def test_a_meter_that_was_never_opened_has_no_past() -> None:
    plan = next(meter for meter in BUILDING.meters() if not meter.opened)
    assert past(plan, START).purchases == ()
    assert SimulatedMeter(plan, NOON_MS).purse.count == 0


def test_a_bench_is_plain_lines_of_one_kind() -> None:
    plan = bench(3, 5, ADF, 19200, 1)
    assert [line.name for line in plan.lines()] == ["line-1", "line-2", "line-3"]
    assert {(line.baud, len(line.meters)) for line in plan.lines()} == {(19200, 5)}
    assert len({meter.serial for meter in plan.meters()}) == 15
    with pytest.raises(ValueError, match="unknown profile"):
        bench(1, 1, "acrel-nothing", 9600, 1)
    with pytest.raises(ValueError, match="247"):
        bench(1, 248, DDSY, 9600, 1)


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_another_process_draws_the_same_building(hash_seed: str) -> None:
    code = (
        "import hashlib; from prewatt.field.simulator.plan import describe;"
        "print(hashlib.sha256(repr(describe(1)).encode()).hexdigest())"
    )
    import hashlib

    told = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert told.stdout.strip() == hashlib.sha256(repr(BUILDING).encode()).hexdigest()
