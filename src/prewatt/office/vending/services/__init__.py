"""What vending does. Each verb is one transaction; it owns every change of state of an order."""

from __future__ import annotations

from prewatt.office.vending.services.again import again
from prewatt.office.vending.services.cancel import cancel_queued
from prewatt.office.vending.services.counters import ensure_counter
from prewatt.office.vending.services.sell import sell

__all__ = ["again", "cancel_queued", "ensure_counter", "sell"]
