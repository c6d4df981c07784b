"""What every test shares: the database a run is on, and the tools that a machine may lack."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server", "client", "admin_client"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL run only what uses the database; the rest was proven on the SQLite run."""
    if not os.environ.get("PREWATT_TEST_PG"):
        return
    keep, drop = [], []
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        (keep if item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES else drop).append(item)
    items[:] = [item for item in keep if item.get_closest_marker("sqlite_only") is None]
    config.hook.pytest_deselected(items=drop)


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
