"""What every test shares: the database a run is on, and the tools that a machine may lack."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parent / "web"
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server", "client", "admin_client"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a foreign program; on PostgreSQL run only what uses the database: the rest was proven on SQLite."""
    for item in items:
        if "need_tool" in getattr(item, "fixturenames", ()):
            item.add_marker("tools")
    if not os.environ.get("PREWATT_TEST_PG"):
        return
    keep, drop = [], []
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        uses_database = item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES
        # a page asks the services and selectors that tests/office proves on both
        once = item.get_closest_marker("sqlite_only") or item.get_closest_marker("tools") or WEB in item.path.parents
        (keep if uses_database and not once else drop).append(item)
    items[:] = keep
    config.hook.pytest_deselected(items=drop)


@pytest.fixture(scope="session", autouse=True)
def _guards_yield_to_cleaning() -> Iterator[None]:
    """A test that commits is cleaned up after, although some tables refuse to lose a row."""
    from tests.flush import guards_lifted

    with guards_lifted():
        yield


@pytest.fixture(scope="session")
def need_tool() -> Callable[[str], str]:
    """Path of a program, or a named skip where a user's machine lacks it. In CI its absence is a failure."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            message = f"{name} is not installed"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
        return found

    return find
