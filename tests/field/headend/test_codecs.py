"""A head-end over lines of several codecs: DL/T 645 alone, mixed with Modbus, and instruments behind transformers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from prewatt.field.bus.timing import Timing
from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.store import GatewayEntry, LineEntry, MeterEntry
from prewatt.field.simulator.faults import FaultKind
from prewatt.field.simulator.plan import DDSY, DLT, DLT_3P, DTSD, PZ
from prewatt.meters.row import ABSENT
from tests.field.headend.house import House
from tests.field.headend.test_simulated import Simulated


class Mixed(Simulated):
    """As Simulated, with the serial numbers entered in the estate: a DL/T 645 meter is called by its own."""

    def __init__(self, *profiles: str, seed: int = 1, gateway: str = "transparent") -> None:
        super().__init__(*profiles, seed=seed)
        (first,) = self.store.data.gateways
        (line,) = first.lines
        meters = tuple(replace(one, serial=self.simulated[one.address].serial) for one in line.meters)
        line = replace(line, baud=2400, parity="E", meters=meters)
        self.store.data = replace(self.store.data, gateways=(replace(first, kind=gateway, lines=(line,)),))


@pytest.mark.parametrize("profile", [DLT, DLT_3P])
def test_a_dlt_line_is_read_shown_and_told_by_its_serials(profile: str) -> None:
    house = Mixed(profile)

    async def story(_: House) -> None:
        await asyncio.sleep(60)

    house.live(story)
    for number, meter in house.simulated.items():
        row = house.store.latest[100 + number]
        assert abs(row.credit - meter.purse.remaining) < 10
        assert (row.purchase_number, row.total_purchased) == (meter.purse.count, meter.purse.total)
        assert row.energy_wh > 0
        assert house.store.contact_of("meter", 100 + number) == ["ok"]
    assert {seen.serial for seen in house.store.identities} == {one.serial for one in house.simulated.values()}


def test_a_mixed_line_reads_every_kind_and_files_nothing_wrong() -> None:
    house = Mixed(DLT, DDSY, DTSD, PZ)
    house.fault(FaultKind.NOISE, 0.1)
    house.fault(FaultKind.LATE, 0.1)

    async def story(_: House) -> None:
        await asyncio.sleep(240)

    house.live(story)
    rows = {number: house.store.latest[100 + number] for number in house.simulated}
    for number, meter in house.simulated.items():
        row = rows[number]
        ct = meter.ratios[1]
        assert abs(row.energy_wh - meter.energy_quanta * 10) < 2_000 + 20 * ct, meter.plan.profile
        purse = meter.plan.profile in {DLT, DDSY}
        assert row.credit == ABSENT if not purse else abs(row.credit - meter.purse.remaining) < 100


def test_a_silent_dlt_meter_goes_out_of_contact_and_comes_back() -> None:
    house = Mixed(DLT, DDSY)

    async def story(_: House) -> None:
        await asyncio.sleep(30)
        house.fault(FaultKind.DEAD, target=house.simulated[1].serial)
        await house.until(lambda: house.store.contact_of("meter", 101) == ["ok", "out"], 120)
        assert house.store.contact_of("meter", 103) == ["ok"]
        house.faults.clear()
        await house.until(lambda: house.store.contact_of("meter", 101) == ["ok", "out", "ok"], 120)

    house.live(story)


def test_an_item_the_meter_does_not_have_is_a_gap_not_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from prewatt.field.simulator import dlt

    for identifier in (0x00900200, 0x00900201, 0x03330201):
        monkeypatch.delitem(dlt._ITEMS, identifier)
    house = Mixed(DLT)

    async def story(_: House) -> None:
        await asyncio.sleep(60)

    house.live(story)
    row = house.store.latest[101]
    assert (row.credit, row.purchase_number) == (ABSENT, ABSENT)
    assert row.energy_wh > 0
    assert house.store.contact_of("meter", 101) == ["ok"]


def test_without_a_serial_or_behind_modbus_tcp_a_dlt_meter_is_left_out_and_the_others_are_read() -> None:
    house = Mixed(DLT, DDSY, gateway="modbus-tcp")

    async def story(_: House) -> None:
        await asyncio.sleep(30)

    house.live(story)
    assert set(house.store.latest) == {103, 104}


def test_a_credit_order_never_reaches_a_class_c_meter() -> None:
    house = Mixed(DLT)
    before = house.bought(1)

    async def story(_: House) -> None:
        await asyncio.sleep(20)
        house.store.sell(101, 12_00)
        await asyncio.sleep(120)

    house.live(story)
    assert house.bought(1) == before


def test_ratios_of_the_estate_reach_the_reading() -> None:
    house = Mixed(DTSD)
    (gateway,) = house.store.data.gateways
    meters = tuple(replace(one, pt=100) for one in gateway.lines[0].meters)

    def with_meters(entry: GatewayEntry, line: LineEntry, found: tuple[MeterEntry, ...]) -> GatewayEntry:
        return replace(entry, lines=(replace(line, meters=found),))

    async def story(_: House) -> None:
        await asyncio.sleep(30)
        one = house.store.latest[101].energy_wh
        house.store.data = replace(
            house.store.data, version=2, gateways=(with_meters(gateway, gateway.lines[0], meters),)
        )
        await house.until(lambda: house.store.latest[101].energy_wh >= 100 * one, 30)

    house.live(story)


def test_a_meter_is_made_anew_only_when_what_it_is_made_from_changes() -> None:
    house = Mixed(DLT, DDSY)
    entries = house.store.data.gateways[0].lines[0].meters
    timing = Timing.of(2400, "E")
    dlt, nk = Meter(entries[0], timing), Meter(entries[2], timing)
    assert dlt.unit == entries[0].serial
    assert not dlt.fits(replace(entries[0], serial="1"))
    assert nk.fits(replace(entries[2], serial="1", name="other", read_interval_s=60))
    assert not nk.fits(replace(entries[2], ct=20))
