"""The estate's pages as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class EstatePagesConfig(AppConfig):
    """Registers templates and words under the label ``console_estate``."""

    name = "prewatt.web.console.estate"
    label = "console_estate"
