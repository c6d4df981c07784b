"""A list as an Excel workbook. Text is always written as text: a cell that starts with ``=`` stays what was typed."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO, Any

from django.http import FileResponse
from xlsxwriter import Workbook

from prewatt.web.console.listing.cells import Column, Kind

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROWS = 1_000_000  # a sheet of Excel holds 1,048,576
_BAD_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
_FORMATS = {Kind.MONEY: "#,##0.00", Kind.ENERGY: "#,##0.00", Kind.NUMBER: "#,##0", Kind.TIME: "yyyy-mm-dd hh:mm:ss"}


def write_workbook(file: IO[bytes], title: str, columns: Sequence[Column], rows: Iterable[Any]) -> int:
    """Write the rows under the columns' titles in constant memory; gives how many were written."""
    book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(_BAD_IN_SHEET_NAME.sub(" ", title)[:31] or "Sheet1")
    heading = book.add_format({"bold": True, "bg_color": "#EEF2F7", "border": 1, "border_color": "#D5DCE4"})
    formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
    for number, column in enumerate(columns):
        sheet.set_column(number, number, column.width)
        sheet.write_string(0, number, str(column.label), heading)
    sheet.freeze_panes(1, 0)
    written = 0
    for written, row in enumerate(rows, start=1):
        if written > MAX_ROWS:
            break
        for number, column in enumerate(columns):
            value = column.exported(row)
            if isinstance(value, datetime):
                sheet.write_datetime(written, number, value, formats[Kind.TIME])
            elif isinstance(value, (int, Decimal)):
                sheet.write_number(written, number, value, formats.get(column.kind))
            elif value is not None:
                sheet.write_string(written, number, value)
    if written:
        sheet.autofilter(0, 0, min(written, MAX_ROWS), len(columns) - 1)
    book.close()
    return min(written, MAX_ROWS)


def download(name: str, title: str, columns: Sequence[Column], rows: Iterable[Any]) -> tuple[FileResponse, int]:
    """The workbook as a download, and how many rows it holds. ``name`` is the file name without its ending."""
    file = tempfile.TemporaryFile(suffix=".xlsx")  # noqa: SIM115 - FileResponse closes it
    count = write_workbook(file, title, [column for column in columns if column.export], rows)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX), count
