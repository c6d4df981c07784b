"""Stored readings on the zone's own disk until the head-end has them: through an outage, a restart, a power cut.

Readings only, and besides them the last roster, so that a zone reads on after a restart without its uplink. An order
for money or for supply has no place here: there is no table for one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from prewatt.meters.row import ROW

KEPT_MS = 7 * 86_400_000 + 2 * 3_600_000  # a week, and time for the uplink to be found again
MOST_ROWS = 1_500_000  # a week of half hours of 4,000 meters; about 250 MB
PRUNE_EVERY = 1_000  # rows added

_TABLES = """
CREATE TABLE IF NOT EXISTS reading (at_ms INTEGER, meter INTEGER, row BLOB NOT NULL, PRIMARY KEY (at_ms, meter))
WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_AT, _METER = 1, 0  # places in ROW


class Buffer:
    """One file. Every call is one transaction of a few milliseconds, at most one a second: it needs no thread."""

    def __init__(self, path: Path | str, *, kept_ms: int = KEPT_MS, most_rows: int = MOST_ROWS) -> None:
        self._kept_ms = kept_ms
        self._most_rows = most_rows
        self._since_prune = 0
        self._base = sqlite3.connect(path, isolation_level=None)
        # a rollback journal: one writer, no reader, and nothing else to look after on a small disk
        self._base.execute("PRAGMA journal_mode = TRUNCATE")
        self._base.execute("PRAGMA synchronous = FULL")
        self._base.executescript(_TABLES)
        self._count = int(self._base.execute("SELECT count(*) FROM reading").fetchone()[0])

    def __len__(self) -> int:
        """Readings that wait."""
        return self._count

    def add(self, rows: bytes) -> None:
        """Keep rows (meters.row.ROW, whole ones) durably."""
        found = [
            (fields[_AT], fields[_METER], rows[place * ROW.size : (place + 1) * ROW.size])
            for place, fields in enumerate(ROW.iter_unpack(rows))
        ]
        if not found:
            return
        before = self._base.total_changes
        self._in_one("INSERT OR IGNORE INTO reading VALUES (?, ?, ?)", found)
        self._count += self._base.total_changes - before
        self._since_prune += len(found)
        if self._since_prune >= PRUNE_EVERY or self._count > self._most_rows:
            self._prune()

    def oldest(self, limit: int) -> list[bytes]:
        """The oldest rows."""
        rows = self._base.execute("SELECT row FROM reading ORDER BY at_ms, meter LIMIT ?", (limit,))
        return [bytes(row) for (row,) in rows]

    def drop(self, rows: Iterable[bytes]) -> None:
        """These are stored elsewhere now."""
        keys = [(fields[_AT], fields[_METER]) for fields in map(ROW.unpack, rows)]
        before = self._base.total_changes
        self._in_one("DELETE FROM reading WHERE at_ms = ? AND meter = ?", keys)
        self._count -= self._base.total_changes - before

    def note(self, name: str) -> bytes | None:
        """A value kept under a name."""
        found = self._base.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return bytes(found[0]) if found else None

    def keep_note(self, name: str, value: bytes) -> None:
        """Keep a value under a name."""
        self._base.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def _in_one(self, statement: str, values: Sequence[tuple[object, ...]]) -> None:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            self._base.executemany(statement, values)
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")

    def _prune(self) -> None:
        """What is older than a week goes, and the oldest beyond the bound."""
        self._since_prune = 0
        newest = self._base.execute("SELECT max(at_ms) FROM reading").fetchone()[0] or 0
        too_many = max(0, self._count - self._most_rows)
        bound = newest - self._kept_ms
        if too_many:
            place = self._base.execute("SELECT at_ms FROM reading ORDER BY at_ms LIMIT 1 OFFSET ?", (too_many,))
            bound = max(bound, place.fetchone()[0])
        self._base.execute("DELETE FROM reading WHERE at_ms < ?", (bound,))
        self._count = int(self._base.execute("SELECT count(*) FROM reading").fetchone()[0])
