"""Meaning of single cells: whole numbers, choices, yes or no; amounts and energies as whole small units, no floats."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_noop as _

from prewatt.office.customers.errors import Problem
from prewatt.office.customers.workbook.reading import shown
from prewatt.office.customers.workbook.sheets import Column

_WHOLE = re.compile(r"^[+-]?\d{1,15}$")
_NUMBER = re.compile(r"^[+-]?(\d{1,15})(\.\d{0,20})?([eE][+-]?\d{1,3})?$")
_SEPARATORS = re.compile(r"[,，、;；\n]+")
YES = frozenset({"yes", "y", "true", "1", "是", "√", "x"})
NO = frozenset({"no", "n", "false", "0", "否", "-", ""})
CM2_PER_M2 = 10_000


class BadCell(Exception):
    """A cell that cannot be read; carries the problem to show."""

    def __init__(self, message: str, **params: Any) -> None:
        super().__init__(message)
        self.problem = Problem(message, params)


def whole(text: str) -> int:
    """A whole number, also in full-width digits. Raises BadCell."""
    digits = unicodedata.normalize("NFKC", text).replace(",", "")
    if not _WHOLE.match(digits):
        raise BadCell(_("%(text)s is not a whole number."), text=shown(text))
    return int(digits)


def scaled(text: str, scale: int) -> int:
    """A number times ``scale``, exactly. Raises BadCell when it is no number or has more places than that."""
    digits = unicodedata.normalize("NFKC", text).replace(",", "").replace("¥", "").strip()
    if not _NUMBER.match(digits):
        raise BadCell(_("%(text)s is not a number."), text=shown(text))
    try:
        value = Decimal(digits) * scale
    except InvalidOperation:
        raise BadCell(_("%(text)s is not a number."), text=shown(text)) from None
    if abs(value) > 10**17:
        raise BadCell(_("%(text)s is too large."), text=shown(text))
    if value != value.to_integral_value():
        raise BadCell(_("%(text)s has too many decimal places."), text=shown(text))
    return int(value)


def choice(column: Column, text: str) -> str:
    """The allowed value that a cell means, in either language. Raises BadCell."""
    wanted = unicodedata.normalize("NFKC", text).casefold()
    for value, others in column.values.items():
        if wanted in {value.casefold(), *(other.casefold() for other in others)}:
            return value
    allowed = ", ".join(f"{value} {others[0]}" if others else value for value, others in column.values.items())
    raise BadCell(_("%(value)s is not allowed. Allowed: %(allowed)s"), value=shown(text), allowed=allowed)


def yes_no(text: str) -> bool:
    """Yes or no. Raises BadCell."""
    word = unicodedata.normalize("NFKC", text).casefold()
    if word in YES or word in NO:
        return word in YES
    raise BadCell(_("Write yes or no, not %(text)s."), text=shown(text))


def names(text: str) -> list[str]:
    """Names in one cell, separated by commas."""
    return [name for part in _SEPARATORS.split(text) if (name := part.strip())]
