"""A zone program and its head-end: outages lose no reading and replay no command."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from tests.field.gateway.zonehouse import ZoneHouse

HOUR, DAY = 3600, 86_400
INTERVAL = 1800


def now_ms(house: ZoneHouse) -> int:
    return round(house.clock.now().timestamp() * 1000)


def test_the_gateway_polls_and_the_head_end_knows_within_seconds() -> None:
    house = ZoneHouse([8, 8])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(60)

    house.tell(story)
    assert set(house.store.latest) == set(house.meters)
    assert max(now_ms(house) - row.at_ms for row in house.store.latest.values()) < 10_000
    assert house.store.latest[101].total_purchased == 20000
    assert house.store.contact_of("gateway", 1) == ["ok"]
    assert all(house.store.contact_of("meter", number)[-1] == "ok" for number in house.meters)
    assert {seen.serial for seen in house.store.identities} == {meter.serial for meter in house.meters.values()}


@pytest.mark.parametrize(("outage_s", "pause_s", "speed"), [(HOUR, 20.0, 1), (7 * DAY, 1200.0, 60)])
def test_an_outage_loses_no_stored_reading(outage_s: int, pause_s: float, speed: int) -> None:
    house = ZoneHouse([2], pause_s=pause_s, speed=speed)

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(100)
        house.network.cut()
        await asyncio.sleep(outage_s / speed)
        house.network.mend()
        await house.until(lambda: len(house.buffer) == 0, 3600)
        await asyncio.sleep(60)

    start = now_ms(house)
    house.tell(story)
    for meter in house.meters:
        stored = {row.at_ms for row in house.store.stored(meter)}
        halves = {at // 1000 // INTERVAL for at in stored}
        first, last = start // 1000 // INTERVAL, now_ms(house) // 1000 // INTERVAL
        assert halves >= set(range(first + 1, last)), (outage_s, meter)


def test_the_past_comes_oldest_first_and_never_moves_the_present_back() -> None:
    house = ZoneHouse([4], pause_s=30.0)
    arrived: list[tuple[int, int, int]] = []

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(100)
        house.network.cut()
        await asyncio.sleep(6 * HOUR)
        before = len(house.store.readings)
        house.network.mend()
        await house.until(lambda: len(house.buffer) == 0, 600)
        arrived.extend((row.at_ms, row.meter_id, row.store) for row in house.store.readings[before:])

    house.tell(story)
    assert arrived[0][2] == 0  # the present first
    assert {meter for _, meter, store in arrived[:4] if store == 0} == set(house.meters)
    past = [(at, meter) for at, meter, store in arrived if store]
    assert len(past) >= 4 * 12
    assert past == sorted(past)


def test_contact_after_an_outage_is_told_as_it_is_and_since_when() -> None:
    house = ZoneHouse([4])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(60)
        house.network.cut()
        await asyncio.sleep(HOUR / 2)
        house.meters[102].dead = True
        house.meters[103].dead = True
        await asyncio.sleep(600)
        house.meters[103].dead = False
        await asyncio.sleep(HOUR / 2)
        house.network.mend()
        await asyncio.sleep(90)

    house.tell(story)
    assert house.store.contact_of("gateway", 1) == ["ok", "out", "ok"]
    assert house.store.contact_of("meter", 101)[-2:] == ["unknown", "ok"]
    # it went out and came back meanwhile: over, so nobody is told
    assert "out" not in house.store.contact_of("meter", 103)
    out = [change for change in house.store.contacts if (change.ref, change.contact) == (102, "out")]
    assert len(out) == 1
    cut_ms = out[0].at_ms - now_ms(house)
    assert -HOUR * 1000 < cut_ms < -1800 * 1000


def test_unplugging_a_gateway_marks_one_gateway_and_not_its_meters() -> None:
    house = ZoneHouse([4, 4])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(60)
        house.network.cut(silently=True)
        took = await house.until(lambda: house.store.contact_of("gateway", 1) == ["ok", "out"], 60)
        assert took <= 32  # found within 30 s, written with the next batch
        await asyncio.sleep(60)

    house.tell(story)
    assert {house.store.contact_of("meter", number)[-1] for number in house.meters} == {"unknown"}


def test_the_gateway_dials_again_after_growing_pauses() -> None:
    house = ZoneHouse([1], pause_s=60.0)

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(60)
        house.network.cut()
        began = len(house.network.dials)
        await asyncio.sleep(600)
        dials = house.network.dials[began:]
        pauses = [after - before for before, after in pairwise(dials)]
        assert pauses[0] < 2
        assert pauses[-1] == pytest.approx(30, abs=0.1)
        assert [round(pause) for pause in pauses] == sorted(round(pause) for pause in pauses)

    house.tell(story)


def test_a_restart_keeps_the_buffer_and_reads_on_without_the_uplink(tmp_path: Path) -> None:
    house = ZoneHouse([3], tmp_path / "buffer.db")

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(60)
        house.network.cut()
        await asyncio.sleep(2 * HOUR)
        waiting = len(house.buffer)
        assert waiting >= 3 * 4
        await house.stop_zone()
        house.start_zone()
        assert len(house.buffer) >= waiting
        await asyncio.sleep(HOUR)
        assert len(house.buffer) >= waiting + 3 * 2
        house.network.mend()
        await house.until(lambda: len(house.buffer) == 0, 600)

    start = now_ms(house)
    house.tell(story)
    halves = {row.at_ms // 1000 // INTERVAL for row in house.store.stored(101)}
    assert halves >= set(range(start // 1000 // INTERVAL + 1, now_ms(house) // 1000 // INTERVAL))


def test_the_past_takes_at_most_a_fifth_of_a_slow_uplink() -> None:
    house = ZoneHouse([6], pause_s=5.0)
    house.network.bytes_per_s = 2_000

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(30)
        house.network.cut()
        await asyncio.sleep(8 * HOUR)
        house.network.mend()
        await house.until(lambda: bool(house.network.open), 60)
        began = house.clock.monotonic()
        zone = house.gateway.zone
        slow: list[float] = []
        while len(house.buffer) and len(slow) < HOUR:
            await asyncio.sleep(1)
            slow.append(now_ms(house) / 1000 - min(row.at_ms for row in house.store.latest.values()) / 1000)
        assert not len(house.buffer)
        whole = house.clock.monotonic() - began
        assert zone.backfilled >= 6 * 15
        assert zone.backfill_s / whole <= 0.2
        assert max(slow[30:]) < 20  # the present stays fresh, once what waited is told

    house.tell(story)


def test_a_head_end_that_cannot_store_is_asked_again_and_nothing_is_lost() -> None:
    house = ZoneHouse([3])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(60)
        house.store.away = True
        await asyncio.sleep(2 * HOUR)
        house.store.away = False
        await house.until(lambda: len(house.buffer) == 0, 600)

    start = now_ms(house)
    house.tell(story)
    halves = {row.at_ms // 1000 // INTERVAL for row in house.store.stored(102)}
    assert halves >= set(range(start // 1000 // INTERVAL + 1, now_ms(house) // 1000 // INTERVAL))
