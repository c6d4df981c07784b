"""Lets a test that commits be cleaned up after: emptying a guarded table is what its guard forbids.

Django empties every table after such a test. On PostgreSQL that is TRUNCATE, which row guards do not see; on SQLite it
is DELETE, so the guards are taken off for that moment and put back as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.backends.sqlite3.base import DatabaseOperations  # by way of base: operations alone imports in a circle

ORIGINAL = DatabaseOperations.execute_sql_flush


@contextmanager
def guards_lifted() -> Iterator[None]:
    """Within it, flushing a SQLite database lifts its triggers."""
    DatabaseOperations.execute_sql_flush = _flush  # type: ignore[method-assign]
    try:
        yield
    finally:
        DatabaseOperations.execute_sql_flush = ORIGINAL  # type: ignore[method-assign]


def _flush(self: DatabaseOperations, sql_list: Sequence[str]) -> None:
    with self.connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _sql in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        try:
            ORIGINAL(self, sql_list)
        finally:
            for _name, sql in triggers:
                cursor.execute(sql)
