"""A unit's page: what its meters say now, what was bought, what was used; and the raw frames of a line."""

from __future__ import annotations

from django.apps import AppConfig


class UnitsConfig(AppConfig):
    """Registers templates, styles and words under the label ``console_units``."""

    name = "prewatt.web.console.units"
    label = "console_units"
