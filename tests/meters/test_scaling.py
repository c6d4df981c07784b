"""Decimal points, transformers, signs and floats become whole units exactly, or nothing at all."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prewatt.core.money import round_half_away
from prewatt.meters.row import ABSENT
from prewatt.meters.scaling import float32, scaled
from prewatt.meters.shape import Field, Proof

PLAIN = Field("power", "u16", 0, 2, 1, "power", (), False, Proof("no", "x"))


def bits_of(value: float) -> int:
    return struct.unpack(">I", struct.pack(">f", value))[0]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**40), max_value=2.0**40))
def test_a_float_in_a_register_is_rounded_once_and_never_calculated_with(value: float) -> None:
    energy = replace(PLAIN, type="f32", multiplier=1000)
    exact = Fraction(value) * 1000
    assert scaled(bits_of(value), energy, {}) == round_half_away(exact.numerator, exact.denominator)


@pytest.mark.parametrize("bits", [0x7F800000, 0xFF800000, 0x7FC00000, bits_of(1e30)])
def test_a_float_that_is_no_reading_is_absent(bits: int) -> None:
    assert scaled(bits, replace(PLAIN, type="f32", multiplier=1000), {}) == ABSENT


def test_zero_and_the_smallest_float_are_nothing() -> None:
    assert float32(0)[0] == float32(0x8000_0000)[0] == 0
    assert scaled(1, replace(PLAIN, type="f32", multiplier=1000), {}) == 0


@pytest.mark.parametrize(
    ("count", "point", "tenths"),
    [(2203, 3, 2203), (9999, 1, 100), (1000, 4, 10_000), (3500, 5, 350_000), (1, 0, 0), (5, 2, 1)],
)
def test_the_point_of_a_four_digit_value_stands_elsewhere(count: int, point: int, tenths: int) -> None:
    volts = replace(PLAIN, multiplier=10, decimal="decimal_voltage")
    assert scaled(count, volts, {"decimal_voltage": point}) == tenths


@pytest.mark.parametrize("context", [{}, {"decimal_voltage": 10}, {"decimal_voltage": ABSENT}])
def test_without_a_believable_point_there_is_no_value(context: dict[str, int]) -> None:
    assert scaled(2203, replace(PLAIN, decimal="decimal_voltage"), context) == ABSENT


@given(st.integers(0, 2**32 - 1), st.integers(1, 9999), st.integers(1, 9999))
def test_transformers_multiply_exactly(count: int, pt: int, ct: int) -> None:
    energy = replace(PLAIN, type="u32", multiplier=10, ratios=("pt", "ct"))
    assert scaled(count, energy, {"pt": pt, "ct": ct}) == count * 10 * pt * ct
    assert scaled(count, energy, {"pt": pt}) == scaled(count, energy, {"pt": pt, "ct": 0}) == ABSENT


def test_a_sign_bit_elsewhere_turns_the_value_round() -> None:
    power = replace(PLAIN, sign=("signs", 3))
    assert scaled(700, power, {"signs": 0b1000}) == -700
    assert scaled(700, power, {"signs": 0b0111}) == 700
    assert scaled(700, power, {}) == scaled(ABSENT, power, {"signs": 0}) == ABSENT
