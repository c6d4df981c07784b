"""Refusals of the estate: field by field, in the words of the form and of the workbook."""

from __future__ import annotations

from prewatt.office.operators.errors import FormRefusal, Problem

__all__ = ["FormRefusal", "Problem"]
