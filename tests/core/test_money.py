"""Money: what a person types, what a receipt prints, and the one rounding rule."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prewatt.core.money import Money, round_half_away

FEN = st.integers(-(10**13), 10**13)


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("100", 10_000),
        ("0", 0),
        ("0.5", 50),
        ("0.05", 5),
        ("1,234.50", 123_450),
        ("1，234.50", 123_450),
        ("12,345,678.9", 1_234_567_890),
        (" ¥100.00 ", 10_000),
        ("￥ 1", 100),
        ("-3.21", -321),
        ("-¥3.21", -321),
        ("¥-3.21", -321),
        ("１００", 10_000),  # full-width digits of a Chinese keyboard
        ("999999999999.99", 99_999_999_999_999),
    ],
)
def test_what_a_cashier_types_is_read(typed: str, fen: int) -> None:
    assert Money.from_yuan(typed) == Money(fen)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "abc", "1.234", "1.", ".5", "12,5", "1,23", "1,2345", "1234,567", "5¥5", "--1", "-¥-1", "+1", "1e3", "1 000",
     "0x10", "NaN", "1000000000000", "1.2.3", "100元", "1\n2"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Money.from_yuan(typed)


@given(FEN)
def test_every_printed_amount_reads_back(fen: int) -> None:
    money = Money(fen)
    assert Money.from_yuan(money.plain()) == money
    assert Money.from_yuan(str(money)) == money


@pytest.mark.parametrize(
    ("fen", "printed", "plain"),
    [(0, "¥0.00", "0.00"), (5, "¥0.05", "0.05"), (-5, "-¥0.05", "-0.05"), (123_456_789, "¥1,234,567.89", "1234567.89")],
)
def test_an_amount_prints_with_two_places(fen: int, printed: str, plain: str) -> None:
    assert str(Money(fen)) == printed
    assert Money(fen).plain() == plain


@pytest.mark.parametrize(
    ("yuan", "words"),
    [
        ("0", "零元整"),
        ("0.01", "壹分"),
        ("0.10", "壹角整"),
        ("0.12", "壹角贰分"),
        ("1", "壹元整"),
        ("1.01", "壹元零壹分"),
        ("10", "壹拾元整"),
        ("10.05", "壹拾元零伍分"),
        ("15", "壹拾伍元整"),
        ("100", "壹佰元整"),
        ("101", "壹佰零壹元整"),
        ("110", "壹佰壹拾元整"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("1001", "壹仟零壹元整"),
        ("1010", "壹仟零壹拾元整"),
        ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("1680.32", "壹仟陆佰捌拾元叁角贰分"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("10000", "壹万元整"),
        ("10001", "壹万零壹元整"),
        ("10010", "壹万零壹拾元整"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("100000", "壹拾万元整"),
        ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("1000000", "壹佰万元整"),
        ("10010001", "壹仟零壹万零壹元整"),
        ("10000100", "壹仟万零壹佰元整"),
        ("20000000", "贰仟万元整"),
        ("100000000", "壹亿元整"),
        ("100000001", "壹亿零壹元整"),
        ("100010000", "壹亿零壹万元整"),
        ("120000000", "壹亿贰仟万元整"),
        ("100100000", "壹亿零壹拾万元整"),
        ("1000000001.10", "壹拾亿零壹元壹角整"),
        ("200000000000", "贰仟亿元整"),
        ("-12.30", "负壹拾贰元叁角整"),
    ],
)
def test_an_amount_in_capital_characters(yuan: str, words: str) -> None:
    assert Money.from_yuan(yuan).in_words() == words


def test_capital_characters_reach_beyond_any_sale() -> None:
    assert Money(10_001 * 10**8 * 100).in_words() == "壹万零壹亿元整"


@given(FEN)
def test_capital_characters_name_each_amount_once(fen: int) -> None:
    words = Money(fen).in_words()
    assert "零零" not in words
    assert "零元" not in words or fen == 0
    assert words.endswith(("整", "分"))
    assert _read(words) == fen


def _read(words: str) -> int:
    """An independent reader of capital characters."""
    sign = -1 if words.startswith("负") else 1
    total = group = digit = high = 0
    for mark in words.removeprefix("负"):
        if mark in "零壹贰叁肆伍陆柒捌玖":
            digit = "零壹贰叁肆伍陆柒捌玖".index(mark)
        elif mark in "拾佰仟":
            group += digit * 10 ** ("拾佰仟".index(mark) + 1)
            digit = 0
        elif mark == "万":
            high += (group + digit) * 10**4
            group = digit = 0
        elif mark == "亿":
            high = (high + group + digit) * 10**8
            group = digit = 0
        elif mark == "元":
            total += (high + group + digit) * 100
            high = group = digit = 0
        elif mark in "角分":
            total += digit * (10 if mark == "角" else 1)
            digit = 0
    return sign * total


@given(FEN, FEN)
def test_arithmetic_is_that_of_whole_numbers(one: int, other: int) -> None:
    assert Money(one) + Money(other) == Money(one + other)
    assert Money(one) - Money(other) == Money(one - other)
    assert -Money(one) == Money(-one)
    assert abs(Money(one)) == Money(abs(one))
    assert (Money(one) < Money(other)) == (one < other)
    assert (Money(one) >= Money(other)) == (one >= other)
    assert bool(Money(one)) == (one != 0)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        (5, 10, 1),
        (-5, 10, -1),
        (4, 10, 0),
        (-4, 10, 0),
        (15, 10, 2),
        (25, 10, 3),
        (-25, 10, -3),
        (5, -10, -1),
        (0, 7, 0),
    ],
)
def test_a_half_goes_away_from_zero(numerator: int, denominator: int, expected: int) -> None:
    assert round_half_away(numerator, denominator) == expected


def test_nothing_is_divided_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        round_half_away(1, 0)


@given(st.integers(), st.integers().filter(bool))
def test_rounding_is_never_off_by_more_than_a_half_and_is_symmetric(numerator: int, denominator: int) -> None:
    rounded = round_half_away(numerator, denominator)
    exact = Fraction(numerator, denominator)
    assert abs(rounded - exact) <= Fraction(1, 2)
    assert abs(rounded) >= abs(exact) or abs(rounded - exact) < Fraction(1, 2)
    assert round_half_away(-numerator, denominator) == -rounded
