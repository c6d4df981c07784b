"""The head-end reads a house, tells contact on change, and follows the roster."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from prewatt.field.headend.store import GatewayEntry, LineEntry, MeterEntry
from tests.field.headend.house import PROFILE, House


def test_every_meter_is_read_continuously_and_its_identity_once() -> None:
    house = House([24])

    async def story(house: House) -> None:
        await asyncio.sleep(60)

    house.live(story)
    assert {seen.serial for seen in house.store.identities} == {meter.serial for meter in house.meters.values()}
    assert len(house.store.identities) == 24
    now_ms = house.clock.now().timestamp() * 1000
    assert max(now_ms - row.at_ms for row in house.store.latest.values()) < 10_000
    row = house.store.latest[101]
    assert (row.credit, row.purchase_number, row.total_purchased, row.energy_wh) == (10000, 3, 20000, 1_234_560)


def test_contact_is_told_once_and_only_on_change() -> None:
    house = House([6])

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        house.meters[103].dead = True
        await house.until(lambda: house.store.contact_of("meter", 103) == ["ok", "out"], 60)
        await asyncio.sleep(120)
        house.meters[103].dead = False
        await house.until(lambda: house.store.contact_of("meter", 103) == ["ok", "out", "ok"], 40)

    house.live(story)
    out = next(change for change in house.store.contacts if change.contact == "out")
    assert (out.tried, out.reason) == (3, "timeout")
    assert 0 < out.last_good_ms < out.at_ms
    assert [house.store.contact_of("meter", 100 + unit) for unit in (1, 2, 4, 5, 6)] == [["ok"]] * 5
    assert house.store.contact_of("gateway", 1) == ["ok"]


def test_a_lost_gateway_is_itself_out_and_its_meters_unknown() -> None:
    house = House([4, 4, 4], per_gateway=2)

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        for line in (1, 2):
            house.links[line].break_off("refused-connection")
        await asyncio.sleep(30)
        assert house.store.contact_of("gateway", 1) == ["ok", "out"]
        assert all(house.store.contact_of("meter", 100 * line + 1) == ["ok", "unknown"] for line in (1, 2))
        assert house.store.contact_of("meter", 301) == ["ok"]
        for line in (1, 2):
            house.links[line].restore()
        await asyncio.sleep(30)

    house.live(story)
    assert house.store.contact_of("gateway", 1) == ["ok", "out", "ok"]
    assert house.store.contact_of("meter", 203) == ["ok", "unknown", "ok"]


def test_a_gateway_that_falls_silent_is_blamed_instead_of_its_meters() -> None:
    house = House([5, 5], per_gateway=2)

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        for meter in house.meters.values():
            meter.dead = True
        await house.until(lambda: house.store.contact_of("gateway", 1) == ["ok", "out"], 90)
        await asyncio.sleep(100)
        assert {tuple(house.store.contact_of("meter", number)) for number in house.meters} == {("ok", "unknown")}
        assert all(link.reopened for link in house.links.values())
        for meter in house.meters.values():
            meter.dead = meter.unit == 2
        await house.until(lambda: house.store.contact_of("gateway", 1) == ["ok", "out", "ok"], 60)
        await asyncio.sleep(90)

    house.live(story)
    assert house.store.contact_of("meter", 101) == ["ok", "unknown", "ok"]
    assert house.store.contact_of("meter", 102) == ["ok", "unknown", "out"]


def test_a_dead_line_does_not_accuse_the_gateway_whose_other_line_answers() -> None:
    house = House([4, 4], per_gateway=2)

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        for unit in (1, 2, 3, 4):
            house.meters[100 + unit].dead = True
        await asyncio.sleep(90)

    house.live(story)
    assert house.store.contact_of("gateway", 1) == ["ok"]
    assert [house.store.contact_of("meter", 100 + unit) for unit in (1, 2, 3, 4)] == [["ok", "out"]] * 4


def test_a_meter_that_refuses_identity_and_total_is_read_and_in_contact() -> None:
    house = House([3])
    house.meters[102].illegal = {0x0043, 0x0412}

    async def story(house: House) -> None:
        await asyncio.sleep(30)

    house.live(story)
    row = house.store.latest[102]
    assert (row.credit, row.energy_wh, row.total_purchased) == (10000, 1_234_560, -(2**62))
    assert house.store.contact_of("meter", 102) == ["ok"]
    assert 102 not in {seen.meter_id for seen in house.store.identities}
    asked_identity = [asked for asked in house.meters[102].asked if asked[1] == 0x0043]
    assert len(asked_identity) == 1


def test_stored_readings_stand_at_the_half_hours() -> None:
    house = House([3])

    async def story(house: House) -> None:
        await asyncio.sleep(2 * 3600 + 60)

    house.live(story)
    stored = [row.at_ms / 1000 for row in house.store.stored(102)]
    assert len(stored) == 5
    assert all(moment % 1800 < 3 for moment in stored)


def test_with_a_pause_between_rounds_stored_readings_still_come_on_time() -> None:
    house = House([3], pause_s=700)

    async def story(house: House) -> None:
        await asyncio.sleep(3600 + 60)

    house.live(story)
    rows = [row for row in house.store.readings if row.meter_id == 101]
    assert [row.at_ms // 1000 % 1800 < 4 for row in rows if row.store] == [True, True, True]
    assert len(rows) < 12


def test_read_now_goes_before_the_round_and_is_stored_before_it_is_reported() -> None:
    house = House([24])

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        house.meters[120].energy += 7
        control = house.store.read_now(120)
        took = await house.until(lambda: control.outcome != "", 5)
        assert took < 1.0
        assert (control.outcome, control.reason) == ("done", "")
        assert house.store.latest[120].energy_wh == 1_234_630

    house.live(story)


def test_read_now_says_why_it_failed() -> None:
    house = House([3])
    house.meters[102].dead = True

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        now_ms = round(house.clock.now().timestamp() * 1000)
        controls = [
            house.store.read_now(102),
            house.store.read_now(999),
            house.store.read_now(101, kind="paint-it"),
            house.store.read_now(101, deadline_ms=now_ms - 1),
        ]
        await house.until(lambda: all(control.outcome for control in controls), 20)
        assert [(control.outcome, control.reason) for control in controls] == [
            ("failed", "timeout"),
            ("failed", "not-on-roster"),
            ("failed", "unknown-kind"),
            ("failed", "too-late"),
        ]

    house.live(story)


def test_a_dead_line_slows_no_other_line() -> None:
    def rounds_of(dead: bool) -> int:
        house = House([8, 8])
        for unit in range(1, 9):
            house.meters[100 + unit].dead = dead

        async def story(house: House) -> None:
            await asyncio.sleep(100)

        house.live(story)
        return sum(row.meter_id == 201 for row in house.store.readings)

    assert rounds_of(dead=True) >= 0.95 * rounds_of(dead=False)


def test_dead_meters_cost_at_most_a_time_out_each_a_round() -> None:
    house = House([32])
    for unit in (3, 9, 17, 31):
        house.meters[100 + unit].dead = True

    async def story(house: House) -> None:
        await asyncio.sleep(300)

    house.live(story)
    # healthy: 28 x (0.1135 + 0.3 at most + 0.004); a time-out 1 s and the wire time
    assert max(counters.round_ms for counters in house.store.counters[4:]) <= 28 * 418 + 4 * 1120
    assert [house.store.contact_of("meter", 100 + unit) for unit in (3, 9, 17, 31)] == [["out"]] * 4


def test_the_roster_is_followed_without_a_restart_and_unchanged_lines_keep_their_state() -> None:
    house = House([3, 3])

    async def story(house: House) -> None:
        await asyncio.sleep(30)
        untouched = house.links[1]
        roster = house.store.data
        first, second = roster.gateways
        line = second.lines[0]
        moved = replace(line.meters[0], address=9)
        house.meters[201].unit = 9
        fresh = MeterEntry(301, "meter 301", 1, PROFILE, "", 1800)
        house.meters[301] = type(house.meters[101])(1, "000000000301")
        third = GatewayEntry(3, "gateway 3", "transparent", "memory", 9, "",
                             (LineEntry(3, "line 3", 1, 9600, "N", True, 0.0, (fresh,)),))  # fmt: skip
        second = replace(second, lines=(replace(line, meters=(moved, line.meters[1])),))
        house.store.data = replace(roster, version=2, gateways=(first, second, third))
        await asyncio.sleep(30)
        assert house.links[1] is untouched
        assert house.store.contact_of("meter", 101) == ["ok"]
        assert house.store.contact_of("meter", 301) == ["ok"]
        assert house.store.latest[201].at_ms > house.store.latest[203].at_ms + 20_000
        house.store.data = replace(roster, version=3, gateways=(first,))
        await asyncio.sleep(10)
        heard = house.store.latest[301].at_ms
        await asyncio.sleep(10)
        assert house.store.latest[301].at_ms == heard

    house.live(story)
    assert {frame.line_id for frame in house.store.frames} == {3}
    assert {frame.direction for frame in house.store.frames} == {"tx", "rx"}


def test_readings_wait_while_the_store_is_away() -> None:
    house = House([3])

    async def story(house: House) -> None:
        await asyncio.sleep(60)
        house.store.away = True
        await asyncio.sleep(2 * 3600)
        house.meters[102].dead = True
        await asyncio.sleep(60)
        house.store.away = False
        await asyncio.sleep(60)

    house.live(story)
    assert len(house.store.stored(101)) == 5
    assert house.store.contact_of("meter", 102) == ["ok", "out"]
    assert house.store.contact_of("meter", 101) == ["ok"]


def test_a_profile_that_does_not_exist_stops_nobody_else() -> None:
    house = House([3])
    gateway = house.store.data.gateways[0]
    line = gateway.lines[0]
    odd = replace(line.meters[1], profile="no-such-meter")
    house.store.data = replace(
        house.store.data,
        gateways=(replace(gateway, lines=(replace(line, meters=(line.meters[0], odd, line.meters[2])),)),),
    )

    async def story(house: House) -> None:
        await asyncio.sleep(20)

    house.live(story)
    assert set(house.store.latest) == {101, 103}
