"""Energy and prices: whole numbers in, one rounding out."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prewatt.core.energy import Price, cost, energy_for, kwh
from prewatt.core.money import Money

PRICES = st.integers(1, 100_000).map(Price)


@pytest.mark.parametrize(
    ("energy_wh", "per_kwh", "fen"),
    [
        (1000, 6170, 62),  # 0.617 yuan
        (1000, 6150, 62),  # 61.5 fen: a half goes up
        (-1000, 6150, -62),
        (10_000, 6170, 617),
        (1, 6170, 0),
        (0, 6170, 0),
        (12_345_670, 10_000, 1_234_567),
    ],
)
def test_the_cost_of_energy_is_rounded_once(energy_wh: int, per_kwh: int, fen: int) -> None:
    assert cost(energy_wh, Price(per_kwh)) == Money(fen)


@given(st.integers(-(10**12), 10**12), PRICES)
def test_a_cost_is_within_half_a_fen(energy_wh: int, price: Price) -> None:
    exact = Fraction(energy_wh, 1000) * Fraction(price.per_kwh, 10_000) * 100
    assert abs(cost(energy_wh, price).fen - exact) <= Fraction(1, 2)


@given(st.integers(0, 10**9), PRICES)
def test_what_an_amount_buys_costs_that_amount(fen: int, price: Price) -> None:
    energy_wh = energy_for(Money(fen), price)
    # one watt-hour of rounding costs at most one price unit in a thousand
    assert abs(cost(energy_wh, price).fen - fen) <= 1 + price.per_kwh // 200_000


@pytest.mark.parametrize("per_kwh", [0, -1])
def test_without_a_price_money_buys_nothing_we_could_name(per_kwh: int) -> None:
    assert energy_for(Money(10_000), Price(per_kwh)) == 0


def test_a_hundred_yuan_at_the_shanghai_flat_price() -> None:
    assert energy_for(Money(10_000), Price(6170)) == 162_075
    assert str(Price(6170)) == "0.6170"
    assert str(Price(123_456)) == "12.3456"


@pytest.mark.parametrize(
    ("energy_wh", "text"),
    [
        (12_345_670, "12,345.67"),
        (0, "0.00"),
        (5, "0.01"),
        (4, "0.00"),
        (-4, "0.00"),
        (-5, "-0.01"),
        (999_995, "1,000.00"),
    ],
)
def test_energy_prints_as_kwh_with_two_places(energy_wh: int, text: str) -> None:
    assert kwh(energy_wh) == text
