"""The vending app of the office."""

from __future__ import annotations

from django.apps import AppConfig


class VendingConfig(AppConfig):
    """Registers the tables under the label ``vending``."""

    name = "prewatt.office.vending"
    label = "vending"
