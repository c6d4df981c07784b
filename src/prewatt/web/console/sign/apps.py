"""Signing in and out, one's own password, one's own language."""

from __future__ import annotations

from django.apps import AppConfig


class SignConfig(AppConfig):
    """Registers templates, styles and words under the label ``console_sign``."""

    name = "prewatt.web.console.sign"
    label = "console_sign"
