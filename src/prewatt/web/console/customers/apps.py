"""Customers: who is supplied where, opening a supply, an agreement's own page."""

from __future__ import annotations

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Registers templates, styles and words under the label ``console_customers``."""

    name = "prewatt.web.console.customers"
    label = "console_customers"
