"""The wall: every unit of the building as a tile coloured by its state, live."""

from __future__ import annotations

from django.apps import AppConfig


class OverviewConfig(AppConfig):
    """Registers templates, styles and words under the label ``console_overview``."""

    name = "prewatt.web.console.overview"
    label = "console_overview"
