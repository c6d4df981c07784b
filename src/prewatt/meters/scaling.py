"""From register counts to whole canonical units where a factor is not enough: decimal points, transformers, floats.

All in whole numbers: a float32 is taken apart into its bits, and one rounding, half away from zero, ends it.
"""

from __future__ import annotations

from collections.abc import Mapping

from prewatt.core.money import round_half_away
from prewatt.meters.row import ABSENT
from prewatt.meters.shape import Field

DECIMAL_OFFSET = 4  # a decimal point of 4 means that the count is whole units
LARGEST_DECIMAL = 9
_LARGEST_SHIFT = 40  # a float of 2**64 kWh is no reading


def scaled(count: int, one: Field, context: Mapping[str, int]) -> int:
    """The value of a field in canonical units; ABSENT when the count, or something it depends on, is not there.

    ``context``: raw counts of other fields by name (decimal points, signs), and the ratios "pt" and "ct".
    """
    if count == ABSENT:
        return ABSENT
    number, divisor = count * one.multiplier, one.divisor
    if one.type == "f32":
        mantissa, power = float32(count)
        if power > _LARGEST_SHIFT:
            return ABSENT
        number = mantissa * one.multiplier << max(power, 0)
        divisor <<= max(-power, 0)
    if one.decimal:
        point = context.get(one.decimal, ABSENT)
        if not 0 <= point <= LARGEST_DECIMAL:
            return ABSENT
        number *= 10 ** max(point - DECIMAL_OFFSET, 0)
        divisor *= 10 ** max(DECIMAL_OFFSET - point, 0)
    for name in one.ratios:
        ratio = context.get(name, ABSENT)
        if ratio < 1:
            return ABSENT
        number *= ratio
    if one.sign:
        signs = context.get(one.sign[0], ABSENT)
        if signs == ABSENT:
            return ABSENT
        number = -number if signs >> one.sign[1] & 1 else number
    return number if divisor == 1 else round_half_away(number, divisor)


def float32(bits: int) -> tuple[int, int]:
    """The bits of a float32 as a whole number and a power of two to multiply it with; far too high for infinity."""
    exponent, fraction = bits >> 23 & 0xFF, bits & 0x7F_FFFF
    if exponent == 0xFF:
        return 0, 1 << 16
    mantissa = fraction | 0x80_0000 if exponent else fraction
    return -mantissa if bits >> 31 else mantissa, max(exponent, 1) - 150
