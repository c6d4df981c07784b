"""What every page of the console stands on: frame, design, rights of a page, time, language."""

from __future__ import annotations

from django.apps import AppConfig


class BaseConfig(AppConfig):
    """Registers templates, styles and words under the label ``console_base``."""

    name = "prewatt.web.console.base"
    label = "console_base"
