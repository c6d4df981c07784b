"""The head-end over the simulated line: every model is read and sold to, whatever the line does to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from prewatt.field.headend.store import GatewayEntry, LineEntry, MeterEntry, RosterData
from prewatt.field.links.memory import MemoryLink
from prewatt.field.simulator.faults import Fault, FaultKind, Faults
from prewatt.field.simulator.line import SimulatedLine
from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.plan import ADF, DDSY, DTSY
from prewatt.meters import modbus
from tests.fakes import FakeStore
from tests.field.headend.house import House
from tests.field.simulator.make import PLAN

PROFILES = (DDSY, DTSY, ADF)


class Simulated(House):
    """One line: two meters of each of the given models, with ids 101 and up, addresses in the same order."""

    def __init__(self, *profiles: str, seed: int = 1) -> None:
        super().__init__([], seed=seed)
        start = round(self.clock.now().timestamp() * 1000)
        self.faults = Faults()
        self.simulated: dict[int, SimulatedMeter] = {}
        entries = []
        for number, profile in enumerate([profile for profile in profiles for _ in range(2)], 1):
            serial = f"{230600000000 + number:012d}"
            plan = replace(PLAN, name=f"T-{number}", address=number, profile=profile, serial=serial, seed=number)
            self.simulated[number] = SimulatedMeter(plan, start)
            entries.append(MeterEntry(100 + number, plan.name, number, profile, "", 1800))
        self.line = SimulatedLine("T", self.simulated, self.clock, gateway="G", seed=seed, faults=self.faults)
        roster = RosterData(
            1,
            (GatewayEntry(1, "G", "transparent", "memory", 1, "",
                          (LineEntry(1, "T", 1, 9600, "N", False, 0.0, tuple(entries)),)),),
        )  # fmt: skip
        self.store = FakeStore(roster, self.clock)

    def make_link(self, gateway: GatewayEntry, line: LineEntry) -> MemoryLink:
        link = MemoryLink(self.line.respond, self.clock)
        self.links[line.line_id] = link
        return link

    def bought(self, number: int) -> int:
        """Total purchased that the meter itself holds, in fen."""
        return self.simulated[number].purse.total

    def fault(self, kind: FaultKind, chance: float = 1.0, target: str = "*") -> None:
        self.faults.set(Fault(kind, target, chance))


@pytest.mark.parametrize("profile", PROFILES)
def test_every_model_is_read_and_sold_to(profile: str) -> None:
    house = Simulated(profile)
    before = house.bought(1)

    async def story(_: House) -> None:
        await asyncio.sleep(20)
        order = house.store.sell(101, 12_00)
        await house.until(lambda: order.state == "DELIVERED", 20)
        await asyncio.sleep(10)

    house.live(story)
    row = house.store.latest[101]
    purse = house.simulated[1].purse
    assert house.bought(1) == before + 12_00
    assert (row.purchase_number, row.total_purchased) == (purse.count, purse.total)
    assert abs(row.credit - purse.remaining) < 5
    assert row.energy_wh > 0
    assert abs(row.power_w - 2000) < 200


@pytest.mark.parametrize("kind", [FaultKind.NOISE, FaultKind.WRONG_UNIT, FaultKind.LATE])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_faults_of_the_line_cost_no_fen(kind: FaultKind, seed: int) -> None:
    house = Simulated(DDSY, DTSY, seed=seed)
    before = {number: house.bought(number) for number in house.simulated}

    async def story(_: House) -> None:
        await asyncio.sleep(20)
        house.fault(kind, 0.3)
        orders = [house.store.sell(100 + number, 100 * number) for number in (1, 2, 3, 4, 1, 2)]
        await asyncio.sleep(400)
        house.faults.clear()
        await house.until(lambda: all(order.state == "DELIVERED" for order in orders), 400)
        for number in house.simulated:
            sold = sum(order.amount for order in orders if order.meter_id == 100 + number)
            assert house.bought(number) == before[number] + sold

    house.live(story)


def test_a_supply_that_fails_in_the_middle_of_a_purchase_is_settled_by_evidence() -> None:
    house = Simulated(DDSY)
    before = house.bought(1)

    async def story(_: House) -> None:
        await asyncio.sleep(20)
        house.simulated[1].cut_at_purchase = ("after", 20_000)
        order = house.store.sell(101, 50_00)
        await house.until(lambda: order.state == "DELIVERED", 200)

    house.live(story)
    assert house.bought(1) == before + 50_00


def test_no_reading_is_filed_under_another_meter() -> None:
    house = Simulated(DDSY, DTSY)
    house.fault(FaultKind.LATE, 0.2)
    house.fault(FaultKind.WRONG_UNIT, 0.2)
    counts = {}
    for number, meter in house.simulated.items():
        meter.purse.count = 1000 + number
        counts[100 + number] = 1000 + number

    async def story(_: House) -> None:
        await asyncio.sleep(1200)

    house.live(story)
    assert len(house.store.readings) > 1000
    assert all(row.purchase_number == counts[row.meter_id] for row in house.store.readings)
    assert {(seen.meter_id, seen.serial) for seen in house.store.identities} == {
        (100 + number, meter.serial) for number, meter in house.simulated.items()
    }


def test_the_line_keeps_its_silence_and_never_talks_into_an_answer() -> None:
    house = Simulated(DDSY, DTSY)
    talk: list[tuple[float, float]] = []
    respond = house.line.respond

    def listening(frame: bytes) -> list[tuple[float, bytes]]:
        now = house.clock.monotonic()
        assert all(now >= end + 3.5 * 11 / 9600 - 1e-5 for _, end in talk[-3:])
        pieces = respond(frame)
        if pieces:
            talk.append((now, now + pieces[-1][0]))
        return pieces

    house.line.respond = listening  # type: ignore[method-assign]

    async def story(_: House) -> None:
        await asyncio.sleep(20)
        order = house.store.sell(102, 7_00)
        house.store.read_now(103)
        await house.until(lambda: order.state == "DELIVERED", 20)
        await asyncio.sleep(60)

    house.live(story)
    assert len(talk) > 200
    assert modbus.WRITE in {frame[1] for _, frame in house.links[1].sent}
