"""Tells the store that something waits to be carried, right after it was committed."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction


def wake() -> None:
    """Poke the store once this transaction is through. A hint only: without it the store looks by itself."""
    poke = getattr(settings, "PREWATT_POKE", None)
    if poke is not None:
        transaction.on_commit(poke)
