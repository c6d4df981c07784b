"""The banner on every page while the mains are away."""

from __future__ import annotations

import pytest

from prewatt.office.estate.power import set_battery
from tests.office import factories
from tests.web.base.people import browser_of

pytestmark = pytest.mark.django_db
WORDS = "市电已停"


def test_every_page_says_that_the_system_runs_from_its_battery() -> None:
    factories.make_site()
    client = browser_of("administrator")
    assert WORDS not in client.get("/", follow=True).content.decode()
    set_battery(on=True, by=None, at=factories.AT)
    page = client.get("/", follow=True).content.decode()
    assert WORDS in page
    assert 'role="alert"' in page
    set_battery(on=False, by=None, at=factories.AT)
    assert WORDS not in client.get("/", follow=True).content.decode()
