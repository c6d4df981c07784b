"""Money in fen, and the one rounding rule of the house: half away from zero."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import total_ordering

# a comma groups thousands and nothing else: "12,5" may be meant as 12.5, so it is no amount
_YUAN = re.compile(r"(-?)[¥￥]? ?(-?)(\d{1,12}|\d{1,3}(?:,\d{3}){1,3})(\.\d{1,2})?")
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ((10**8, "亿"), (10**4, "万"))


def round_half_away(numerator: int, denominator: int) -> int:
    """Divide two integers and round to the nearest, a half away from zero.

    Raises ZeroDivisionError when the denominator is 0.
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(abs(numerator), denominator)
    whole += 2 * rest >= denominator
    return whole if numerator >= 0 else -whole


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money in fen (0.01 yuan). Signed; never a float."""

    fen: int

    @classmethod
    def from_yuan(cls, text: str) -> Money:
        """Read what a person typed, such as ``100`` or ``1,234.50``. Raises ValueError when it is not an amount."""
        found = _YUAN.fullmatch(text.strip().replace("，", ","))
        if found is None or (found[1] and found[2]):
            raise ValueError(text)
        fen = int(Decimal(found[3].replace(",", "") + (found[4] or "")) * 100)
        return cls(-fen if found[1] or found[2] else fen)

    def __add__(self, other: Money) -> Money:
        return Money(self.fen + other.fen)

    def __sub__(self, other: Money) -> Money:
        return Money(self.fen - other.fen)

    def __neg__(self) -> Money:
        return Money(-self.fen)

    def __abs__(self) -> Money:
        return Money(abs(self.fen))

    def __lt__(self, other: Money) -> bool:
        return self.fen < other.fen

    def __bool__(self) -> bool:
        return self.fen != 0

    def __str__(self) -> str:
        sign = "-" if self.fen < 0 else ""
        yuan, fen = divmod(abs(self.fen), 100)
        return f"{sign}¥{yuan:,}.{fen:02d}"

    def plain(self) -> str:
        """The amount as ``1234.56``: for spreadsheets and forms."""
        sign = "-" if self.fen < 0 else ""
        yuan, fen = divmod(abs(self.fen), 100)
        return f"{sign}{yuan}.{fen:02d}"

    def in_words(self) -> str:
        """The amount in capital Chinese characters (人民币大写), as receipts and cheques write it."""
        sign = "负" if self.fen < 0 else ""
        yuan, rest = divmod(abs(self.fen), 100)
        jiao, fen = divmod(rest, 10)
        words = _integer_in_words(yuan) + "元" if yuan else ""
        if not rest:
            return f"{sign}{words or '零元'}整"
        if jiao:
            words += _DIGITS[jiao] + "角"
        elif yuan:
            words += "零"
        return sign + words + (_DIGITS[fen] + "分" if fen else "整")


def _integer_in_words(value: int) -> str:
    for size, name in _GROUPS:
        if value >= size:
            high, low = divmod(value, size)
            # a place left out inside a number is spoken as one zero
            gap = "零" if 0 < low < size // 10 else ""
            return _integer_in_words(high) + name + gap + (_integer_in_words(low) if low else "")
    return _group_in_words(value)


def _group_in_words(group: int) -> str:
    words = ""
    gap = False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if digit:
            words += ("零" if gap and words else "") + _DIGITS[digit] + _PLACES[place]
            gap = False
        else:
            gap = True
    return words
