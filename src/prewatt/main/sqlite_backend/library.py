"""Puts a recent SQLite in the place of the system's own before Django looks for one.

SQLite before 3.51.3 can lose a committed page of a write-ahead log in a rare race, and Debian's is older. The pysqlite3
wheel carries its own library; it must be in ``sys.modules`` before ``django.db.backends.sqlite3`` is first imported.
"""

from __future__ import annotations

import sys

from django.core.exceptions import ImproperlyConfigured

LEAST = (3, 51, 3)


def install() -> None:
    """Make ``import sqlite3`` mean pysqlite3. Raises ImproperlyConfigured when the library found is too old."""
    try:
        import pysqlite3
        import pysqlite3.dbapi2
    except ImportError:
        import sqlite3 as found
    else:
        sys.modules["sqlite3"] = found = pysqlite3
        sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
    if tuple(found.sqlite_version_info) < LEAST:
        raise ImproperlyConfigured(
            f"SQLite {found.sqlite_version} is older than {'.'.join(map(str, LEAST))}, which repairs a loss of data in "
            "the write-ahead log: install the pysqlite3 wheel of requirements.lock"
        )
