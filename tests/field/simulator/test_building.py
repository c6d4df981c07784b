"""A building that is kept: what was acknowledged is on disk, and what happened meanwhile is caught up with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prewatt.core.clock import SteppedClock
from prewatt.field.simulator.building import STATE_FILE, SimulatedBuilding
from prewatt.field.simulator.faults import FaultKind
from prewatt.field.simulator.plan import DDSY, BuildingPlan, bench, describe
from prewatt.meters import modbus
from tests.field.simulator.make import NOON

PLAN = bench(2, 3, DDSY, 9600, 1)


def build(folder: Path | None, clock: SteppedClock | None = None, plan: BuildingPlan = PLAN) -> SimulatedBuilding:
    return SimulatedBuilding(plan, clock or SteppedClock(NOON), folder=folder)


def buy(building: SimulatedBuilding, amount: int) -> bytes:
    meter = next(iter(building.meters.values()))
    frame = modbus.write_request(1, 0x050D, (amount >> 16, amount & 0xFFFF, meter.purse.count + 1))
    return b"".join(piece for _, piece in building.lines["line-1"].respond(frame))


def test_a_purchase_is_on_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    building = build(tmp_path)
    assert not (tmp_path / STATE_FILE).exists()
    assert buy(building, 70_00)
    serial = next(iter(building.meters))
    kept = json.loads((tmp_path / STATE_FILE).read_text())["meters"]
    assert kept[serial]["purse"]["count"] == building.meters[serial].purse.count
    killed = build(tmp_path)
    assert killed.meters[serial].snapshot() == building.meters[serial].snapshot()


def test_nobody_notices_a_restart(tmp_path: Path) -> None:
    clock = SteppedClock(NOON)
    first = build(tmp_path, clock)
    buy(first, 55_00)
    clock.step(3600)
    first.save()
    clock.step(40_000)
    second = build(tmp_path, clock)
    for building in (first, second):
        for meter in building.meters.values():
            meter.advance(building.now_ms())
    assert second.start_ms == first.start_ms
    assert [meter.snapshot() for meter in second.meters.values()] == [
        meter.snapshot() for meter in first.meters.values()
    ]


def test_faults_outlive_a_restart_until_their_time_is_over(tmp_path: Path) -> None:
    clock = SteppedClock(NOON)
    first = build(tmp_path, clock)
    first.fault(FaultKind.NOISE, "line-1", chance=0.5)
    first.fault(FaultKind.DEAD, next(iter(first.meters)), seconds=60)
    second = build(tmp_path, clock)
    assert {fault.kind for fault in second.faults.active(second.now_ms())} == {FaultKind.NOISE, FaultKind.DEAD}
    clock.step(61)
    assert [fault.chance for fault in second.faults.active(second.now_ms())] == [0.5]
    assert second.clear() == 1


def test_the_state_of_another_building_is_left_alone(tmp_path: Path) -> None:
    buy(build(tmp_path), 55_00)
    other = build(tmp_path, plan=bench(1, 2, DDSY, 9600, 2))
    assert other.start_ms == other.now_ms()


def test_dead_meters_of_the_plan_wake_when_their_fault_is_cleared() -> None:
    building = SimulatedBuilding(describe(1), SteppedClock(NOON))
    dead = [meter for meter in building.meters.values() if meter.plan.dead]
    line = building.lines[building.places[dead[0].serial][1]]
    poll = modbus.read_request(dead[0].plan.address, 0x0200, 48)
    assert line.respond(poll) == []
    assert building.clear(FaultKind.DEAD, dead[0].serial) == 1
    assert line.respond(poll)
    assert [fault.target for fault in building.faults.active(building.now_ms())] == [dead[1].serial]


def test_a_power_cut_reaches_the_meters_of_its_target() -> None:
    clock = SteppedClock(NOON)
    building = build(None, clock)
    building.fault(FaultKind.POWER_CUT, "line-2", seconds=30)
    assert [meter.powered for meter in building.meters.values()] == [True] * 3 + [False] * 3
    assert building.clear(FaultKind.POWER_CUT, "gateway-2") == 3
    assert all(meter.powered for meter in building.meters.values())


def test_faults_need_a_target_that_is_there() -> None:
    with pytest.raises(ValueError, match="no meter, line or gateway"):
        build(None).fault(FaultKind.DEAD, "line-9")
    with pytest.raises(ValueError, match="before, after or torn"):
        build(None).fault(FaultKind.POWER_CUT, "line-1", when="perhaps")


def test_the_truth_of_a_meter_can_be_looked_at() -> None:
    building = build(None)
    serial = next(iter(building.meters))
    truth = building.inspect(serial)
    meter = building.meters[serial]
    assert truth["remaining_fen"] == meter.purse.remaining
    assert (truth["contactor"], truth["reason"], truth["mode"]) == ("closed", "", "prepaid")
    assert truth["log"][0]["count"] == truth["purchase_count"]
    assert (truth["gateway"], truth["line"], truth["address"]) == ("gateway-1", "line-1", 1)
    assert json.loads(json.dumps(truth)) == truth
