"""The storm's own database, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.storm.arena import Arena


@pytest.fixture(scope="session")
def _made(django_db_blocker: Any) -> Iterator[Arena]:
    with django_db_blocker.unblock():
        made = Arena()
    yield made
    with django_db_blocker.unblock():
        made.close()


@pytest.fixture
def arena(_made: Arena, django_db_blocker: Any) -> Iterator[Arena]:
    """A real SQLite file beside the tests' database; no other test sees it."""
    with django_db_blocker.unblock():
        yield _made
