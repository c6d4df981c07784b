"""The readings app of the office."""

from __future__ import annotations

from django.apps import AppConfig


class ReadingsConfig(AppConfig):
    """Registers the tables under the label ``readings``."""

    name = "prewatt.office.readings"
    label = "readings"
