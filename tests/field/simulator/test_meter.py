"""The life of a meter: it charges, warns, trips, recovers and remembers, whether it is watched or not."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prewatt.core.energy import EXACT_PER_FEN
from prewatt.field.simulator.load import BANDS
from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.plan import DTSY
from prewatt.field.simulator.timetable import day_table
from tests.field.simulator.make import HOUR_MS, NOON_MS, meter

DAY_MS = 24 * HOUR_MS


def test_what_was_counted_is_what_was_charged() -> None:
    one = meter(credit_fen=500_00)
    before = one.energy_quanta
    one.advance(NOON_MS + 5 * HOUR_MS)
    counted = (one.energy_quanta - before) * 10
    assert 8_000 < counted < 12_500
    assert (500_00 - one.purse.remaining) * EXACT_PER_FEN + one.purse.owed == counted * 8_500


def test_every_rate_is_charged_at_its_own_price() -> None:
    one = meter(credit_fen=5_000_00)
    one.purse.prices[:] = [12_000, 10_000, 7_000, 3_000, 2_000]
    one.touched()
    begin = list(one.quanta)
    one.advance(NOON_MS + DAY_MS)
    counted = [now - then for now, then in zip(one.quanta, begin, strict=True)]
    exact = sum(quanta * 10 * price for quanta, price in zip(counted, one.purse.prices, strict=True))
    assert (5_000_00 - one.purse.remaining) * EXACT_PER_FEN + one.purse.owed == exact
    hours = [BANDS.count(rate) for rate in range(4)]
    assert [quanta // 200 for quanta in counted[:4]] == pytest.approx(hours, abs=1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(-20_00, 60_00), st.sampled_from(["office", "server", "clothes"]))
def test_how_often_it_is_looked_at_changes_nothing(seed: int, credit: int, kind: str) -> None:
    plan = {"kind": kind, "seed": seed, "credit_fen": credit, "scale_w": 3_000, "overdraft_fen": 10_00}
    watched, alone = meter(**plan), meter(**plan)
    for one in (watched, alone):
        one.relay.pretrip_s = 30
        one.load_control.words[:] = [1, 2_500, 0, 500, 0, 2, 3]
        one.touched()
    rng = Random(seed)
    at, end = NOON_MS, NOON_MS + 2 * DAY_MS
    while at < end:
        at = min(end, at + rng.choice((37, 999, 61_000, 600_000, 7 * HOUR_MS)))
        watched.advance(at)
    alone.advance(end)
    assert watched.snapshot() == alone.snapshot()


def test_it_trips_at_the_hundredth_that_spends_the_last_fen_and_stays_off() -> None:
    one = meter(credit_fen=3_00)
    one.advance(NOON_MS + 6 * HOUR_MS)
    assert one.purse.remaining <= 0
    assert one.purse.remaining > -2  # no more than one hundredth of a kWh too much
    assert not one.relay.closed
    assert one.relay.reason() == "prepaid"
    assert one.electrics().total_w == 0
    energy = one.energy_quanta
    one.advance(NOON_MS + 30 * HOUR_MS)
    assert one.energy_quanta == energy


def test_with_an_overdraft_it_goes_on_to_the_limit_and_then_waits_until_all_is_paid() -> None:
    one = meter(credit_fen=1_00, overdraft_fen=5_00)
    one.advance(NOON_MS + HOUR_MS)
    assert one.relay.closed
    assert one.purse.remaining < 0
    one.advance(NOON_MS + 10 * HOUR_MS)
    assert not one.relay.closed
    assert -5_02 < one.purse.remaining <= -5_00
    assert one.buy(3_00, one.purse.count + 1)
    assert not one.relay.closed
    assert one.buy(10_00, one.purse.count + 1)
    assert one.relay.closed
    assert 7_90 < one.purse.remaining <= 8_00


def test_at_alarm_2_it_goes_off_for_a_while_when_so_set() -> None:
    one = meter(credit_fen=20_10, alarm_2_fen=20_00)
    one.relay.pretrip_s = 60
    one.touched()
    low_at = next(at for at in range(NOON_MS, NOON_MS + HOUR_MS, 1_000) if _remaining(one, at) < 20_00)
    assert not one.relay.closed
    one.advance(low_at + 61_000)
    assert one.relay.closed
    one.advance(low_at + HOUR_MS)
    assert one.relay.closed  # once, not again and again


def test_at_alarm_2_it_stays_off_when_the_recovery_time_is_zero() -> None:
    one = meter(credit_fen=20_10, alarm_2_fen=20_00)
    one.relay.pretrip_s = 0
    one.touched()
    one.advance(NOON_MS + 5 * HOUR_MS)
    assert not one.relay.closed
    assert 19_90 < one.purse.remaining < 20_00
    one.buy(50_00, one.purse.count + 1)
    assert one.relay.closed


def _remaining(one: SimulatedMeter, at: int) -> int:
    one.advance(at)
    return one.purse.remaining


def test_force_alone_decides() -> None:
    one = meter(credit_fen=0)
    assert not one.relay.closed
    one.relay.forced = True
    one.touched()
    assert one.relay.closed
    one.advance(NOON_MS + HOUR_MS)
    assert one.purse.remaining < -1_00  # a meter held on runs into debt without limit
    one.relay.forced_open = True
    one.touched()
    assert one.relay.reason() == "forced"
    one.relay.forced = one.relay.forced_open = False
    one.touched()
    assert one.relay.reason() == "prepaid"


def test_too_much_power_trips_a_set_number_of_times_and_then_for_good() -> None:
    one = meter(scale_w=5_000)
    one.load_control.words[:] = [1, 1_000, 0, 500, 0, 2, 6]  # 1 kW, two restarts, after 60 s
    one.touched()
    one.advance(NOON_MS + 9_000)
    assert one.relay.closed
    assert one.load_control.over
    one.advance(NOON_MS + 11_000)
    assert one.relay.reason() == "load"
    one.advance(NOON_MS + 71_000)
    assert one.relay.closed
    one.advance(NOON_MS + HOUR_MS)
    assert one.load_control.trips == 3
    assert not one.relay.closed
    one.advance(NOON_MS + DAY_MS)
    assert not one.relay.closed
    one.load_control.words[0] = 0
    one.touched()
    assert one.relay.closed
    assert one.load_control.trips == 0


def test_time_control_opens_and_closes_by_the_table_of_the_day() -> None:
    one = meter(credit_fen=900_00)
    one.time_words[0] = 1
    one.time_words[2] = 0b0011_1110
    table = bytes((0, 0, 7, 1, 30, 18)) + bytes(18)  # from 07:00 closed, from 18:30 open
    one.time_words[15:27] = [int.from_bytes(table[at : at + 2]) for at in range(0, 24, 2)]
    one.touched()
    found = {}
    for hour in (0, 6, 7, 18, 20, 26, 6 * 24 - 5):  # hours after Monday noon; the last is Sunday
        one.advance(NOON_MS + hour * HOUR_MS + 60_000)
        found[hour] = one.relay.reason()
    assert found == {0: "", 6: "", 7: "time", 18: "time", 20: "", 26: "", 6 * 24 - 5: ""}


def test_a_power_cut_stops_counting_and_the_clock_goes_on() -> None:
    one = meter()
    one.advance(NOON_MS + HOUR_MS)
    energy = one.energy_quanta
    one.cut_power(3 * HOUR_MS)
    one.advance(NOON_MS + 3 * HOUR_MS)
    assert not one.powered
    assert one.energy_quanta == energy
    one.advance(NOON_MS + 5 * HOUR_MS)
    assert one.powered
    assert 150 < one.energy_quanta - energy < 260  # one hour of 2 kW
    assert one.civil_second() == (NOON_MS + 5 * HOUR_MS) // 1000 + 8 * 3600 + one.clock_drift_s


def test_a_clock_that_goes_back_changes_nothing() -> None:
    one = meter()
    one.advance(NOON_MS + HOUR_MS)
    before = one.snapshot()
    one.advance(NOON_MS - HOUR_MS)
    assert one.snapshot() == before


def test_a_snapshot_goes_on_where_it_was() -> None:
    one = meter(profile=DTSY, scale_w=9_000, kind="restaurant", credit_fen=300_00)
    one.advance(NOON_MS + HOUR_MS)
    one.buy(50_00, one.purse.count + 1)
    one.tables[1][:] = day_table((2,) * 24)
    kept = json.loads(json.dumps(one.snapshot()))
    again = SimulatedMeter(one.plan, NOON_MS, kept)
    assert again.snapshot() == one.snapshot()
    for each in (one, again):
        each.advance(NOON_MS + 40 * HOUR_MS)
    assert again.snapshot() == one.snapshot()


def test_downtime_of_a_month_is_caught_up_within_a_blink() -> None:
    one = meter(credit_fen=40_000_00, ceiling_fen=0)
    one.advance(NOON_MS + 30 * DAY_MS)
    assert 1_300_00 < one.energy_quanta < 1_560_00
