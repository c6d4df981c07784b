"""The load is a pure function of time: additive, rising, repeatable, and shaped like its week."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prewatt.field.simulator import load
from tests.field.simulator.make import NOON_MS

GOLDEN_POWER = [13807, 7709, 5736, 5563]
GOLDEN_DAY = 140240
MOMENTS = st.integers(1_600_000_000_000, 2_000_000_000_000)


@given(st.sampled_from(load.KINDS), MOMENTS, st.integers(0, 10**9), st.integers(0, 10**9))
def test_energies_of_adjoining_intervals_add_up(kind: str, start: int, first: int, second: int) -> None:
    curve = load.Load(kind, 5_000, 42)
    middle, end = start + first, start + first + second
    assert curve.energy_wh(start, middle) + curve.energy_wh(middle, end) == curve.energy_wh(start, end)


@given(st.sampled_from(load.KINDS), MOMENTS, st.integers(0, 2**64 - 1))
def test_every_tenant_draws_something_at_any_time_and_never_more_than_half_above_its_peak(
    kind: str, at: int, seed: int
) -> None:
    power = load.Load(kind, 10_000, seed).power_w(at)
    assert 100 < power < 15_000


@given(st.sampled_from(load.KINDS), MOMENTS)
def test_power_is_the_slope_of_energy(kind: str, at: int) -> None:
    curve = load.Load(kind, 8_000, 3)
    start = at // 600_000 * 600_000
    used = curve.reached(start + 600_000) - curve.reached(start)
    assert curve.power_w(start) == pytest.approx(used / 600 / 1_000_000, abs=2)


def test_the_way_a_moment_is_reached_does_not_matter() -> None:
    wandering, direct = load.Load("office", 3_000, 9), load.Load("office", 3_000, 9)
    for hours in (0, 5, 2, 700, 1):
        wandering.reached(NOON_MS + hours * 3_600_000)
    assert wandering.reached(NOON_MS) == direct.reached(NOON_MS)


def test_a_seed_always_means_the_same_tenant() -> None:
    assert [load.power_w("restaurant", 12_000, 77, NOON_MS / 1000 + hour * 3600) for hour in range(4)] == GOLDEN_POWER
    assert load.energy_wh("restaurant", 12_000, 77, NOON_MS / 1000, NOON_MS / 1000 + 86_400) == GOLDEN_DAY


def test_bands_sum_to_the_whole_to_the_watt_hour() -> None:
    start, end = NOON_MS / 1000 + 123, NOON_MS / 1000 + 5 * 86_400 + 4567
    bands = load.band_energy_wh("drinks", 4_000, 5, start, end)
    assert sum(bands) == load.energy_wh("drinks", 4_000, 5, start, end)
    assert bands[0] == 0
    assert all(bands[1:])


@pytest.mark.parametrize("kind", load.KINDS)
def test_weeks_keep_to_the_kinds_average(kind: str) -> None:
    weeks = 8
    used = load.energy_wh(kind, 5_000, 1, NOON_MS / 1000, NOON_MS / 1000 + weeks * 7 * 86_400)
    assert used / (weeks * 7) == pytest.approx(load.day_energy_wh(kind, 5_000), rel=0.02)


def test_offices_rest_on_sunday_and_restaurants_do_not() -> None:
    monday, sunday = NOON_MS / 1000 + 3 * 3600, NOON_MS / 1000 - 86_400 + 3 * 3600
    office = [load.energy_wh("office", 5_000, 1, day, day + 3600) for day in (monday, sunday)]
    restaurant = [load.energy_wh("restaurant", 5_000, 1, day, day + 3600) for day in (monday, sunday)]
    assert office[1] < office[0] / 3
    assert restaurant[1] > restaurant[0] / 2
