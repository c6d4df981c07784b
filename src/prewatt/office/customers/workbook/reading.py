"""Reads an uploaded workbook into plain texts by sheet, row and column: no meaning yet, but each cell has its place."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from django.utils.translation import gettext_noop as _
from python_calamine import CalamineWorkbook

from prewatt.core.errors import Refusal
from prewatt.office.customers.errors import Problem
from prewatt.office.customers.workbook import guard
from prewatt.office.customers.workbook.sheets import BY_NAME, Column, Kind, Sheet, find_column, find_sheet, is_help

MOST_DATA_ROWS = 20_000
MOST_CELL = 2_000
MOST_ERRORS = 1_000

Made = TypeVar("Made")


@dataclass(frozen=True)
class RowError:
    """Something wrong at one place. ``sheet`` and ``column`` are canonical English names, or what was written when
    nobody knows it; ``row`` counts as Excel does, from 1 for the headings, and is 0 for a sheet as a whole.
    """

    sheet: str
    row: int
    column: str
    problem: Problem

    @property
    def message(self) -> str:
        """The problem in the reader's language."""
        return str(self.problem)

    @property
    def sheet_title(self) -> str:
        """The sheet's Chinese title, when it is a known one."""
        return BY_NAME[self.sheet].title if self.sheet in BY_NAME else self.sheet

    @property
    def column_title(self) -> str:
        """The column's Chinese title, when it is a known one."""
        sheet = BY_NAME.get(self.sheet)
        found = [column.title for column in sheet.columns if column.name == self.column] if sheet else []
        return found[0] if found else self.column


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not blank: its number in Excel and its cells by canonical column name, as trimmed text."""

    number: int
    cells: dict[str, str]


@dataclass
class Workbook:
    """What was read: rows by canonical sheet name, and what was wrong with sheets, headings and cells."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    columns: dict[str, frozenset[str]] = field(default_factory=dict)  # columns present, by sheet
    errors: list[RowError] = field(default_factory=list)

    def add(self, sheet: str, row: int, column: str, message: str, **params: Any) -> None:
        """Note an error."""
        self.errors.append(RowError(sheet, row, column, Problem(message, params)))


def read(data: bytes) -> Workbook:
    """Read a workbook. Raises Refusal when it is no workbook or breaks a limit; smaller trouble is in ``errors``."""
    guard.inspect(data)
    found = Workbook()
    book = _open(data)
    for name in book.sheet_names:
        sheet = find_sheet(name)
        if sheet is None:
            if not is_help(name):
                found.add(name, 0, "", _("There is no such sheet. Known: %(known)s"), known=", ".join(BY_NAME))
        elif sheet.name in found.rows:
            found.add(sheet.name, 0, "", _("This sheet is there twice."))
        else:
            _sheet(found, sheet, _table(book, name))
    if not found.rows and not found.errors:
        raise Refusal("workbook-empty", _("The workbook has none of the known sheets."))
    return found


def _open(data: bytes) -> CalamineWorkbook:
    return _guarded(lambda: CalamineWorkbook.from_filelike(io.BytesIO(data)))


def _table(book: CalamineWorkbook, name: str) -> list[list[Any]]:
    return _guarded(lambda: book.get_sheet_by_name(name).to_python(skip_empty_area=False))


def _guarded(act: Callable[[], Made]) -> Made:
    """Run the reader. A file so broken that it stops the reader itself is the file's fault, not a failure of ours."""
    try:
        return act()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 (a panic of the reader is no Exception)
        raise Refusal("workbook-damaged", guard.DAMAGED, why=shown(str(error))) from None


def _sheet(found: Workbook, sheet: Sheet, table: list[list[Any]]) -> None:
    found.rows[sheet.name] = rows = []
    headings = table[0] if table else []
    columns = _headings(found, sheet, headings)
    found.columns[sheet.name] = frozenset(column.name for column in columns.values())
    for number, cells in enumerate(table[1:], start=2):
        texts: dict[str, str] = {}
        for place, value in enumerate(cells):
            text = _text(value)
            column = columns.get(place)
            if column is not None:
                texts[column.name] = _checked(found, sheet, number, column, value, text)
            elif text and (place >= len(headings) or not _text(headings[place])):
                problem = _("There is a value in a column without a heading: %(text)s")
                found.add(sheet.name, number, "", problem, text=shown(text))
        if any(texts.values()):
            rows.append(Row(number, texts))
        if len(rows) > MOST_DATA_ROWS or len(found.errors) > MOST_ERRORS:
            found.add(sheet.name, number, "", _("Too many rows or errors: the rest was not looked at."))
            return


def _headings(found: Workbook, sheet: Sheet, headings: list[Any]) -> dict[int, Column]:
    columns: dict[int, Column] = {}
    for place, value in enumerate(headings):
        title = _text(value)
        column = find_column(sheet, title) if title else None
        if column is None:
            if title:
                known = ", ".join(known.name for known in sheet.columns)
                found.add(sheet.name, 1, shown(title), _("There is no such column. Known: %(known)s"), known=known)
        elif column in columns.values():
            found.add(sheet.name, 1, column.name, _("This column is there twice."))
        else:
            columns[place] = column
    for column in sheet.columns:
        if column.required and column not in columns.values() and headings:
            found.add(sheet.name, 1, column.name, _("This column is needed and is not there."))
    return columns


def _checked(found: Workbook, sheet: Sheet, number: int, column: Column, value: Any, text: str) -> str:
    """The cell's text on one line, or "?" with an error when it cannot be stored as text at all."""
    text = (", " if column.kind is Kind.NAMES else " ").join(text.splitlines()).replace("\t", " ")
    if isinstance(value, date | datetime | time | timedelta):
        found.add(sheet.name, number, column.name, _("This is a date. Format the cell as text."))
    elif len(text) > MOST_CELL:
        found.add(sheet.name, number, column.name, _("At most %(most)s characters."), most=MOST_CELL)
    elif any(unicodedata.category(mark) in {"Cc", "Cs", "Co", "Cn"} for mark in text):
        found.add(sheet.name, number, column.name, _("This holds a character that cannot be stored."))
    else:
        return text
    return "?"  # keeps the row, so that no second error says the cell is empty


def _text(value: Any) -> str:
    """A cell as trimmed text: 7.0 is "7", true is "yes"."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return unicodedata.normalize("NFC", str(value)).strip()


def shown(text: str) -> str:
    """A written value as an error quotes it: short, on one line."""
    line = " ".join("".join(mark if mark.isprintable() else "?" for mark in text).split())
    return line if len(line) <= 60 else line[:57] + "…"
