"""Append-only guards: the database itself refuses to change or delete a row that proves something.

The one use of triggers in the house. They stop a slip of our own code and a casual hand on the database; who removes
them on purpose is found by the hash chain.
"""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

ACTIONS = ("UPDATE", "DELETE")


class AppendOnly(migrations.RunPython):
    """A migration step that guards one table, on SQLite and PostgreSQL."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(self._guard, self._release)

    def deconstruct(self) -> tuple[str, list[str], dict[str, object]]:
        return self.__class__.__name__, [self.table], {}

    def _guard(self, apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        del apps
        for statement in guard_sql(self.table, editor.connection.vendor):
            editor.execute(statement, params=None)

    def _release(self, apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        del apps
        for statement in release_sql(self.table, editor.connection.vendor):
            editor.execute(statement, params=None)


def guard_sql(table: str, vendor: str) -> list[str]:
    """Statements that make a table append-only."""
    if vendor == "postgresql":
        body = f"$$BEGIN RAISE EXCEPTION '{table} is append-only'; END$$"
        return [
            f"CREATE OR REPLACE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS {body}",
            *(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {table}_guard()"
                for action in ACTIONS
            ),
        ]
    return [
        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for action in ACTIONS
    ]


def release_sql(table: str, vendor: str) -> list[str]:
    """Statements that take the guard off again."""
    if vendor == "postgresql":
        drops = [f"DROP TRIGGER IF EXISTS {table}_no_{action.lower()} ON {table}" for action in ACTIONS]
        return [*drops, f"DROP FUNCTION IF EXISTS {table}_guard()"]
    return [f"DROP TRIGGER IF EXISTS {table}_no_{action.lower()}" for action in ACTIONS]
