"""The Excel workbook that brings a whole building in, and out again.

``read`` takes the bytes of an uploaded file apart, ``check`` lists everything wrong with it, ``apply`` writes all of it
or nothing, ``template`` gives an empty one, ``export`` the estate as it stands.
"""

from __future__ import annotations

from prewatt.office.customers.workbook.applying import Counts, ImportRefused, apply, check, row_counts
from prewatt.office.customers.workbook.reading import RowError, Workbook, read
from prewatt.office.customers.workbook.writing import Cell, export, found, template

__all__ = [
    "Cell",
    "Counts",
    "ImportRefused",
    "RowError",
    "Workbook",
    "apply",
    "check",
    "export",
    "found",
    "read",
    "row_counts",
    "template",
]
