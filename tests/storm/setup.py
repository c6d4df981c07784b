"""Django for a storm that is run by command: a home of its own in a temporary folder."""

from __future__ import annotations

import os


def prepare() -> None:
    """Call before anything of Django is imported."""
    import tests.environment  # noqa: F401 (makes the home)

    os.environ["DJANGO_SETTINGS_MODULE"] = "prewatt.main.settings"
    import django

    django.setup()
