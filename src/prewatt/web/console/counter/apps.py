"""The counter: find a customer, sell, see where the money is, print the two papers."""

from __future__ import annotations

from django.apps import AppConfig


class CounterConfig(AppConfig):
    """Registers templates, styles and words under the label ``console_counter``."""

    name = "prewatt.web.console.counter"
    label = "console_counter"
