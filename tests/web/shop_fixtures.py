"""Fixtures of tests that need a selling building."""

from __future__ import annotations

import pytest
from django.test import Client

from prewatt.core.clock import SteppedClock
from tests.office import factories
from tests.web.shop import Browser, Shop


@pytest.fixture
def clock(settings) -> SteppedClock:
    """The site's clock, moved by hand."""
    settings.PREWATT_CLOCK = SteppedClock(factories.AT)
    settings.PREWATT_POKE = None
    return settings.PREWATT_CLOCK


@pytest.fixture
def shop(db, clock) -> Shop:
    """The building."""
    return Shop(clock)


@pytest.fixture
def browser(shop) -> Browser:
    """Opens a browser in which an operator of a role is signed in, reading English."""

    def signed_in(role: str | None = "cashier", **fields) -> Client:
        client = Client()
        operator = factories.make_operator(role, **{"language": "en", **fields})
        client.force_login(operator)
        client.operator = operator
        return client

    return signed_in


@pytest.fixture
def cashier(browser) -> Client:
    """A cashier of the whole site."""
    return browser("cashier")
