"""A building that sells, and browsers of the people who work with its customers."""

from __future__ import annotations

from tests.web.shop_fixtures import browser, cashier, clock, shop

__all__ = ["browser", "cashier", "clock", "shop"]
