"""The customers app of the office."""

from __future__ import annotations

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Registers the tables under the label ``customers``."""

    name = "prewatt.office.customers"
    label = "customers"
