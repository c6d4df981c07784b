"""Writes workbooks: an empty one to fill in, and the estate as it stands in the same form, so that it can be imported.

Every text is written as text: a name that begins with = + - or @ stays a name in Excel.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from prewatt.meters import registry
from prewatt.office.customers.models import AgreementMeter
from prewatt.office.customers.selectors import agreements
from prewatt.office.customers.workbook.cells import CM2_PER_M2
from prewatt.office.customers.workbook.sheets import HELP_SHEET, SHEETS, Column, Kind, Sheet, heading
from prewatt.office.estate import selectors as estate
from prewatt.office.operators.models import Operator

Cell = str | int | Decimal | bool | None
VALIDATED_ROWS = 5_000  # rows of the template that offer a list of allowed values
SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}


def template() -> bytes:
    """An empty workbook with headings, lists of allowed values, and a page of explanations with an example each."""
    return _book({}, help_page=True)


def export(operator: Operator) -> bytes:
    """The part of the estate and the customers that an operator sees, in the form of the import."""
    return _book(
        {
            "groups": _groups(operator),
            "gateways": _gateways(operator),
            "lines": _lines(operator),
            "meters": _meters(operator),
            "units": _units(operator),
            "customers": _customers(operator),
        },
        help_page=False,
    )


def found(meters: Iterable[Sequence[Cell]]) -> bytes:
    """Devices found on a line as rows of the import, in the order of the sheet's columns."""
    return _book({"meters": meters}, help_page=False)


def _book(content: Mapping[str, Iterable[Sequence[Cell]]], *, help_page: bool) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, SAFE)
    title = book.add_format({"bold": True, "bg_color": "#E8EEF7", "bottom": 1, "text_wrap": True})
    must = book.add_format({"bold": True, "bg_color": "#FDE9D9", "bottom": 1, "text_wrap": True})
    text = book.add_format({"num_format": "@"})
    for sheet in SHEETS:
        page = book.add_worksheet(heading(sheet))
        page.freeze_panes(1, 0)
        for place, column in enumerate(sheet.columns):
            page.set_column(place, place, 24 if column.name in {"name", "profile", "meters"} else 16, text)
            page.write_string(0, place, heading(column), must if column.required else title)
            _allow(page, place, column)
        for number, row in enumerate(content.get(sheet.name, ()), start=1):
            for place, value in enumerate(row):
                _write(page, number, place, value)
    if help_page:
        _explain(book.add_worksheet(HELP_SHEET), title)
    book.close()
    return target.getvalue()


def _write(page: Worksheet, row: int, place: int, value: Cell) -> None:
    if isinstance(value, bool):
        page.write_string(row, place, "yes" if value else "no")
    elif isinstance(value, int | Decimal):
        page.write_number(row, place, value)
    elif value:
        page.write_string(row, place, value)


def _allowed(column: Column) -> list[str]:
    if column.kind is Kind.YES_NO:
        return ["yes", "no"]
    return list(registry.names()) if column.name == "profile" else list(column.values)


def _allow(page: Worksheet, place: int, column: Column) -> None:
    allowed = _allowed(column)
    if allowed and len(",".join(allowed)) <= 255:  # what Excel takes
        # a hint, not a wall: Chinese values are understood too
        rule = {"validate": "list", "source": allowed, "error_type": "information"}
        page.data_validation(1, place, VALIDATED_ROWS, place, rule)


def _explain(page: Worksheet, title: Format) -> None:
    page.set_column(0, 5, 26)
    for place, label in enumerate(("sheet 表", "column 列", "必填 *", "kind 类型", "allowed 可填", "example 示例")):
        page.write_string(0, place, label, title)
    row = 1
    for sheet in SHEETS:
        for column in sheet.columns:
            facts = _facts(sheet, column)
            for place, fact in enumerate(facts):
                page.write_string(row, place, fact)
            row += 1
    page.freeze_panes(1, 0)


def _facts(sheet: Sheet, column: Column) -> tuple[str, ...]:
    both = [f"{value} {others[0]}" if others else value for value, others in column.values.items()]
    allowed = ", ".join(both or _allowed(column))
    return (heading(sheet), heading(column), "*" if column.required else "", column.kind.value, allowed, column.example)


def _groups(operator: Operator) -> Iterable[Sequence[Cell]]:
    for group in estate.groups(operator).order_by("place", "pk"):
        yield group.name, group.kind, group.parent.name if group.parent else ""


def _gateways(operator: Operator) -> Iterable[Sequence[Cell]]:
    for row in estate.gateways(operator).order_by("pk"):
        zone = row.zone.name if row.zone else ""
        yield row.name, row.kind, row.host, row.port, row.device, zone, row.cabinet


def _lines(operator: Operator) -> Iterable[Sequence[Cell]]:
    for row in estate.lines(operator).order_by("pk"):
        yield row.name, row.gateway.name, row.channel, row.baud, row.parity, row.mixed


def _meters(operator: Operator) -> Iterable[Sequence[Cell]]:
    for row in estate.meters(operator).order_by("line", "place", "pk"):
        yield (
            row.name, row.line.name, row.address, row.profile, row.serial, row.place, row.cabinet,
            row.premises.number if row.premises else "", row.circuit, row.role, row.ct, row.pt,
        )  # fmt: skip


def _units(operator: Operator) -> Iterable[Sequence[Cell]]:
    for row in estate.premises(operator).order_by("number"):
        area = None if row.area_cm2 is None else Decimal(row.area_cm2) / CM2_PER_M2
        yield row.number, row.name, row.group.name if row.group else "", row.use, row.protected, area


def _customers(operator: Operator) -> Iterable[Sequence[Cell]]:
    opened = agreements(operator, closed=False).order_by("premises__number")
    bindings: dict[int, list[AgreementMeter]] = {}
    bound = AgreementMeter.objects.filter(agreement__in=opened.order_by(), unbound_at__isnull=True)
    for row in bound.select_related("meter").order_by("pk"):
        bindings.setdefault(row.agreement_id, []).append(row)
    for agreement in opened:
        rows = bindings.get(agreement.pk, [])
        first = rows[0] if rows else None
        yield (
            agreement.customer.name, agreement.customer.phone, agreement.premises.number,
            ", ".join(row.meter.name for row in rows), _credit(first), _reading(first),
        )  # fmt: skip


def _credit(bound: AgreementMeter | None) -> Decimal | None:
    if bound is None or bound.opening_credit is None:
        return None
    known = bound.meter.profile in registry.names()
    energy = known and registry.get(bound.meter.profile).purse == "energy"
    return Decimal(bound.opening_credit) / (1000 if energy else 100)


def _reading(bound: AgreementMeter | None) -> Decimal | None:
    return None if bound is None or bound.opening_energy_wh is None else Decimal(bound.opening_energy_wh) / 1000
