"""The operators' pages as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class OperatorPagesConfig(AppConfig):
    """Registers templates and words under the label ``console_operators``."""

    name = "prewatt.web.console.operators"
    label = "console_operators"
