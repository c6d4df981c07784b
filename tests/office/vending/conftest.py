"""The desk that the tests of vending sell at."""

from __future__ import annotations

import pytest

from tests.office.vending.desk import Desk


@pytest.fixture
def desk(db: None) -> Desk:
    """A till with a unit, its meter and a head-end."""
    return Desk.make()
