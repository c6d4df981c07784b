"""Gives Django to a process of a home: environment, settings, database brought up to date."""

from __future__ import annotations

import os
from datetime import datetime

from prewatt.main.home import Home


def use(home: Home) -> None:
    """Set Django up for this home. Call once, before importing any model."""
    os.environ["PREWATT_HOME"] = str(home.path)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prewatt.main.settings")
    import django

    django.setup()


def migrate() -> bool:
    """Bring the database to this version's tables. True when something was done."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", verbosity=0, interactive=False)
    return True


def utc_now() -> datetime:
    """Site time of the home in the environment: what commands pass as ``at``."""
    return Home.from_environment("demo").clock().now()
