"""Faults of the simulated building on demand; exists only on a demo site."""

from __future__ import annotations

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Registers templates, styles and words under the label ``console_demo``."""

    name = "prewatt.web.console.demo"
    label = "console_demo"
