"""One column of a list: how a value looks in the table, on a phone's card and in the exported workbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Any

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from prewatt.core.energy import kwh
from prewatt.core.money import Money, round_half_away

Getter = str | Callable[[Any], Any]
ExportValue = str | int | Decimal | datetime | None
EMPTY = mark_safe('<span class="text-secondary">–</span>')


class Kind(StrEnum):
    """What a value is; decides alignment, digits and the type of the cell in Excel."""

    TEXT = "text"
    CODE = "code"  # numbers that are names: serials, addresses
    NUMBER = "number"
    MONEY = "money"  # fen
    ENERGY = "energy"  # Wh
    TIME = "time"
    FLAG = "flag"


class Phone(StrEnum):
    """Place of a column on a phone, where a row becomes a card."""

    TITLE = "title"  # the card's heading
    SHOW = "show"  # a labelled line
    HIDE = "hide"  # left to the page behind the card


_AT_END = frozenset({Kind.NUMBER, Kind.MONEY, Kind.ENERGY})


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``value`` is a dotted attribute or a function of the row; ``cell`` may draw it in its own HTML.

    ``sort`` names the database fields behind the heading (none: the heading is not a link).
    """

    key: str
    label: Any
    value: Getter
    kind: Kind = Kind.TEXT
    sort: tuple[str, ...] = ()
    cell: Callable[[Any], str] | None = None
    phone: Phone = Phone.SHOW
    export: bool = True
    shown: bool = True  # in the table; a column may be for the workbook alone
    width: int = 16  # characters, in Excel
    drawn: bool = False  # a number that is shown as a drawing: stands at the start

    @property
    def at_end(self) -> bool:
        """Whether the column is right-aligned."""
        return self.kind in _AT_END and not self.drawn

    def get(self, row: Any) -> Any:
        """The bare value of a row; None where a link of a dotted attribute is missing."""
        if callable(self.value):
            return self.value(row)
        try:
            return attrgetter(self.value)(row)
        except AttributeError:
            return None

    def html(self, row: Any) -> str:
        """The cell's content, escaped."""
        if self.cell is not None:
            return conditional_escape(self.cell(row))
        return shown(self.get(row), self.kind)

    def exported(self, row: Any) -> ExportValue:
        """The value as Excel gets it: text stays text, money and energy are exact decimals, time is local."""
        value = self.get(row)
        if value is None or value == "":
            return None
        if self.kind is Kind.MONEY:
            return Decimal(value) / 100
        if self.kind is Kind.ENERGY:
            return Decimal(round_half_away(value, 10)) / 100
        if isinstance(value, int) and self.kind in {Kind.NUMBER, Kind.CODE}:
            return value
        if self.kind is Kind.FLAG:
            return _("yes") if value else _("no")
        if isinstance(value, datetime):
            return localtime(value).replace(tzinfo=None)
        return str(value)


def shown(value: Any, kind: Kind) -> SafeString:
    """A value as people read it, escaped."""
    if value is None or value == "":
        return EMPTY
    if kind is Kind.MONEY:
        return SafeString(Money(value))
    if kind is Kind.ENERGY:
        return SafeString(kwh(value))
    if kind is Kind.NUMBER and isinstance(value, int):
        return SafeString(f"{value:,}")
    if kind is Kind.FLAG:
        return format_html('<i class="ti ti-check text-success" aria-label="{}"></i>', _("yes")) if value else EMPTY
    if isinstance(value, datetime):
        local = localtime(value)
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), f"{local:%Y-%m-%d %H:%M:%S}")
    return conditional_escape(value)
