"""Clocks of DL/T 645 meters: compared daily, set by broadcast, and never near a boundary of their tariffs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from prewatt.field.simulator.plan import DDSY, DLT
from prewatt.meters import dlt645
from tests.field.headend.house import House
from tests.field.headend.test_codecs import Mixed


def paused(house: Mixed) -> Mixed:
    """Polled once a minute: hours pass sooner."""
    (gateway,) = house.store.data.gateways
    (line,) = gateway.lines
    gateway = replace(gateway, lines=(replace(line, sweep_pause_s=60.0),))
    house.store.data = replace(house.store.data, gateways=(gateway,))
    return house


def set_at(house: Mixed) -> list[float]:
    """When a time broadcast went out."""
    head = dlt645.build(dlt645.BROADCAST, dlt645.TIME, bytes(6))[:9]
    return [at for at, frame in house.links[1].sent if dlt645.strip(frame)[:9] == head]


def off(house: Mixed, number: int) -> int:
    meter = house.simulated[number]
    return meter.clock_drift_s


@pytest.mark.parametrize(("drift", "expected"), [(-120, True), (200, True), (10, False), (900, False)])
def test_a_clock_that_is_off_is_set_once_a_day(drift: int, expected: bool) -> None:
    house = paused(Mixed(DLT))
    for meter in house.simulated.values():
        meter.clock_drift_s = 0
    house.simulated[1].clock_drift_s = drift

    async def story(_: House) -> None:
        await asyncio.sleep(1.2 * 3600)

    house.live(story)
    sent = set_at(house)
    assert len(sent) == int(expected)
    # the house begins at a full hour: ten minutes into a half hour, and ten before its end
    assert all(600 <= at % 1800 <= 1200 for at in sent)
    assert abs(off(house, 1)) <= 2 if expected else off(house, 1) == drift
    assert house.store.contact_of("meter", 101) == ["ok"]


def test_a_line_whose_models_take_no_time_is_left_alone() -> None:
    house = paused(Mixed(DDSY))
    house.simulated[1].clock_drift_s = 200

    async def story(_: House) -> None:
        await asyncio.sleep(3600)

    house.live(story)
    assert set_at(house) == []
    assert off(house, 1) == 200
