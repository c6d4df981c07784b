"""Workbooks for tests: a small good building, and a maker of files from plain lists."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

Sheets = dict[str, list[list[Any]]]


def book(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    """An .xlsx with those sheets; the first list of each is its headings."""
    target = io.BytesIO()
    made = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False})
    for name, rows in sheets.items():
        page = made.add_worksheet(name)
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                page.write(number, place, value)
    made.close()
    return target.getvalue()


def building(meters: int = 40) -> Sheets:
    """One zone of two floors, a gateway with two lines, and a meter, a unit and a customer for each number."""
    numbers = range(1, meters + 1)
    return {
        "groups": [
            ["name", "kind", "parent"],
            ["A区", "zone", ""],
            ["A区 1层", "floor", "A区"],
            ["A区 2层", "层", "A区"],
        ],
        "gateways": [
            ["name", "kind", "host", "port", "zone", "cabinet"],
            ["A区网关", "transparent", "127.0.0.1", 4001, "A区", "弱电间"],
        ],
        "lines": [
            ["name", "gateway", "channel", "baud", "parity", "mixed"],
            ["A-1", "A区网关", 1, 9600, "N", "no"],
            ["A-2", "A区网关", 2, 9600, "无", "否"],
        ],
        "meters": [
            ["name", "line", "address", "profile", "serial", "place", "unit"],
            *(
                [f"表{n:03d}", f"A-{n % 2 + 1}", (n + 1) // 2, profile(n), f"2611{n:08d}", (n + 1) // 2, f"U{n:03d}"]
                for n in numbers
            ),
        ],
        "units": [
            ["number", "name", "group", "use", "protected", "area"],
            *([f"U{n:03d}", "", f"A区 {n % 2 + 1}层", "办公", "否", 86.5] for n in numbers),
        ],
        "customers": [
            ["name", "phone", "unit", "meters", "opening_credit", "opening_reading"],
            *([f"商户{n:03d}", 13800000000 + n, f"U{n:03d}", "", 150.25, 12345.67] for n in numbers),
        ],
    }


def profile(number: int) -> str:
    return "acrel-ddsy1352-nk" if number % 2 else "acrel-dtsy1352-nk"
