"""The network's pages as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class NetworkPagesConfig(AppConfig):
    """Registers templates, styles and words under the label ``console_network``."""

    name = "prewatt.web.console.network"
    label = "console_network"
