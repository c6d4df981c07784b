"""The list kit as a Django app, so that its templates, styles and words are found."""

from __future__ import annotations

from django.apps import AppConfig


class ListingConfig(AppConfig):
    """Tables and forms that all doors share."""

    name = "prewatt.web.console.listing"
    label = "console_listing"
