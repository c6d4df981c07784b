"""Refusals about customers."""

from __future__ import annotations

from prewatt.office.operators.errors import FormRefusal, Problem

__all__ = ["FormRefusal", "Problem"]
