"""The ledger app of the office."""

from __future__ import annotations

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Registers the tables under the label ``ledger``."""

    name = "prewatt.office.ledger"
    label = "ledger"
