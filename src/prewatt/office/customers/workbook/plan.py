"""Turns rows into drafts of the estate and judges them as one whole, with what is there already.

A row whose name (or unit number) exists is a change of that thing, so the same file may be imported twice. Rules are
those of the edit pages; each is applied to the state the building would have after the import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db import models
from django.utils.translation import gettext_noop as _

from prewatt.office.customers.errors import Problem
from prewatt.office.customers.workbook import cells
from prewatt.office.customers.workbook.cells import BadCell
from prewatt.office.customers.workbook.reading import MOST_ERRORS, Row, RowError, Workbook, shown
from prewatt.office.customers.workbook.sheets import BY_NAME, SHEETS, Kind, Sheet
from prewatt.office.estate.keeping import draft

Thing = TypeVar("Thing", bound=models.Model)

_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.WHOLE: cells.whole,
    Kind.YES_NO: cells.yes_no,
    Kind.AREA: lambda text: cells.scaled(text, cells.CM2_PER_M2),
    Kind.KWH: lambda text: cells.scaled(text, 1000),
    Kind.NAMES: cells.names,
}


@dataclass
class Draft(Generic[Thing]):
    """One row as the thing it will be: new, or a changed copy of ``old``."""

    row: int
    thing: Thing
    old: Thing | None
    fields: dict[str, Any]

    @property
    def changed(self) -> list[str]:
        """Fields that differ from what is there."""
        if self.old is None:
            return []
        return [name for name in self.fields if getattr(self.old, name) != getattr(self.thing, name)]


@dataclass
class Kept(Generic[Thing]):
    """Everything of one kind by its name: what exists, with the drafts of the workbook laid over it."""

    things: dict[str, Thing] = field(default_factory=dict)  # after the import
    drafts: dict[str, Draft[Thing]] = field(default_factory=dict)


class Judge:
    """Collects errors of one import, at most one a cell."""

    def __init__(self, workbook: Workbook) -> None:
        self.workbook = workbook
        self.errors = list(workbook.errors)
        self._seen = {(error.sheet, error.row, error.column) for error in self.errors}

    def add(self, sheet: str, row: int, column: str, problem: Problem) -> None:
        """Note a problem, unless that cell or its whole column has one already or there are enough."""
        key = (sheet, row, column)
        if key not in self._seen and (sheet, 1, column) not in self._seen and len(self.errors) < MOST_ERRORS:
            self._seen.add(key)
            self.errors.append(RowError(sheet, row, column, problem))

    def add_all(self, sheet: str, row: int, problems: Mapping[str, Problem]) -> None:
        """Note problems by field, under the column that holds the field."""
        for name, problem in problems.items():
            self.add(sheet, row, COLUMN_OF.get(name, name), problem)

    def sorted_errors(self) -> list[RowError]:
        """Errors in the order a person would walk the workbook."""
        order = {sheet.name: place for place, sheet in enumerate(SHEETS)}
        return sorted(self.errors, key=lambda error: (order.get(error.sheet, -1), error.row))

    def values(self, sheet: Sheet, row: Row) -> dict[str, Any]:
        """The row's cells with their meaning. An empty cell of a present column is None; a bad one is left out."""
        found: dict[str, Any] = {}
        for column in sheet.columns:
            if column.name not in self.workbook.columns[sheet.name]:
                continue
            text = row.cells.get(column.name, "")
            if not text:
                found[column.name] = None
                if column.required:
                    self.add(sheet.name, row.number, column.name, Problem(_("This cell must be filled in.")))
                continue
            try:
                reader = _READERS.get(column.kind, str)
                found[column.name] = cells.choice(column, text) if column.kind is Kind.CHOICE else reader(text)
            except BadCell as bad:
                self.add(sheet.name, row.number, column.name, bad.problem)
        return found

    def rows(self, name: str, key: str) -> list[tuple[Row, str, dict[str, Any]]]:
        """A sheet's rows with their key and values; a key that is missing or there twice is an error of its row."""
        sheet, seen, found = BY_NAME[name], dict[str, int](), []
        for row in self.workbook.rows.get(name, []):
            values = self.values(sheet, row)
            value = values.get(key)
            if not value:
                continue
            if value in seen:
                problem = Problem(_("%(name)s is in row %(row)s already."), {"name": shown(value), "row": seen[value]})
                self.add(name, row.number, key, problem)
                continue
            seen[value] = row.number
            found.append((row, value, values))
        return found

    def refer(self, sheet: str, row: Row, column: str, value: str | None, among: Mapping[str, Thing]) -> Thing | None:
        """The thing a cell names, or None with an error when there is none."""
        if not value:
            return None
        if value not in among:
            self.add(sheet, row.number, column, Problem(_("There is no %(name)s."), {"name": shown(value)}))
        return among.get(value)


# A field of a table and the column that holds it, where the names differ.
COLUMN_OF = {
    "premises": "unit",
    "area_cm2": "area",
    "opening_energy_wh": "opening_reading",
}


def lay(kept: Kept[Thing], kind: type[Thing], row: Row, key: str, fields: dict[str, Any]) -> Draft[Thing]:
    """A draft over what is kept under that key."""
    old = kept.things.get(key)
    made = Draft(row.number, draft(kind, old, fields), old, fields)
    kept.things[key] = made.thing
    kept.drafts[key] = made
    return made


def given(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The fields whose columns are there: an empty cell takes the default, an absent column leaves a thing as it is."""
    return {name: defaults[name] if values[name] is None else values[name] for name in defaults if name in values}
