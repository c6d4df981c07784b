"""The controls app of the office."""

from __future__ import annotations

from django.apps import AppConfig


class ControlsConfig(AppConfig):
    """Registers the tables under the label ``controls``."""

    name = "prewatt.office.controls"
    label = "controls"
