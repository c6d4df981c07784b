"""The operators app of the office."""

from __future__ import annotations

from django.apps import AppConfig


class OperatorsConfig(AppConfig):
    """Registers the tables under the label ``operators``."""

    name = "prewatt.office.operators"
    label = "operators"
