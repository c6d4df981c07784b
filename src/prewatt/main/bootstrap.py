"""Gives Django to a process of a home: environment, settings, database brought up to date."""

from __future__ import annotations

import os
from datetime import datetime

from prewatt.core.errors import Refusal
from prewatt.main.home import Home


def use(home: Home) -> None:
    """Set Django up for this home. Call once, before importing any model."""
    os.environ["PREWATT_HOME"] = str(home.path)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prewatt.main.settings")
    import django

    django.setup()


def use_made(home: Home) -> None:
    """Set Django up for a home that is only looked at. Raises Refusal when it has no tables of this version."""
    if not home.exists():
        raise Refusal("no-home", "There is no system at %(path)s yet. Start one with ./run.", path=home.path)
    use(home)
    if _plan():
        raise Refusal(
            "not-up-to-date", "The database of %(path)s is not of this version yet. Start it once with ./run.",
            path=home.path,
        )  # fmt: skip


def migrate() -> bool:
    """Bring the database to this version's tables. True when something was done."""
    from django.core.management import call_command

    if not _plan():
        return False
    call_command("migrate", verbosity=0, interactive=False)
    return True


def _plan() -> bool:
    """Whether the database lacks anything of this version."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def utc_now() -> datetime:
    """Site time of the home in the environment: what commands pass as ``at``."""
    return Home.from_environment("demo").clock().now()
