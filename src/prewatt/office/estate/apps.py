"""The estate app of the office."""

from __future__ import annotations

from django.apps import AppConfig


class EstateConfig(AppConfig):
    """Registers the tables under the label ``estate``."""

    name = "prewatt.office.estate"
    label = "estate"
