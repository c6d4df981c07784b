"""The fast way in for readings: packed rows go straight to the database, by executemany or COPY, never through models.

A row is idempotent by meter and time; a late one is kept as a reading but never moves the latest state back. The
state's ``version`` grows when something a tile shows has changed, so that pages fetch only those.
"""

# ruff: noqa: S608 (every name in these statements is a constant of this file)

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from struct import Struct
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Max

from prewatt.meters.row import ABSENT, KEEP_ONLY, ROW, ReadingRow
from prewatt.office.readings import reports
from prewatt.office.readings.facts import ContactFact, CounterFact, FrameFact, IdentityFact
from prewatt.office.readings.models import MeterState

MOST_ROWS = 5_000  # in one commit
Row = tuple[int, ...]

_FIELDS = ReadingRow._fields
_QUANTITIES = _FIELDS[_FIELDS.index("energy_wh") : _FIELDS.index("contactor")]
_READING = (*_QUANTITIES[: _QUANTITIES.index("power_w") + 1], "flags", "contactor", "mode")
_STATE = (*_QUANTITIES, "contactor", "mode", "flags", "meter_clock")
_SHOWN = ("energy_wh", "credit", "power_w", "purchase_number", "contactor", "mode", "flags")  # on a tile
_STORE = _FIELDS.index("store")

# the same statements on both databases, over one source of values each
_READING_COLUMNS = ", ".join(("meter_id", "ts", *_READING))
_STATE_COLUMNS = ", ".join(("meter_id", "at", "last_good_at", *_STATE))
_NEWER = (
    "ON CONFLICT (meter_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in ("at", "last_good_at", *_STATE))
    + ", version = CASE WHEN "
    + " AND ".join(f"s.{name} IS NOT DISTINCT FROM excluded.{name}" for name in _SHOWN)
    + " THEN s.version ELSE excluded.version END WHERE s.at IS NULL OR excluded.at > s.at"
)
_REST_COLUMNS = "version, seen_serial, contact, failed_rounds, contact_reason"
_REST = "'', 'unknown', 0, ''"


def ingest(
    *,
    rows: bytes = b"",
    contacts: Sequence[ContactFact] = (),
    frames: Sequence[FrameFact] = (),
    counters: Sequence[CounterFact] = (),
    identities: Sequence[IdentityFact] = (),
    using: str = "default",
) -> int:
    """Store a batch: readings in commits of at most MOST_ROWS, then the rest in one; the number of rows taken.

    ``rows`` is a concatenation of meters.row.ROW records. Raises ValueError when it is cut short.
    """
    if len(rows) % ROW.size:
        raise ValueError(f"{len(rows)} bytes are not whole rows of {ROW.size}")
    unpacked = list(ROW.iter_unpack(rows))
    for start in range(0, len(unpacked), MOST_ROWS):
        with transaction.atomic(using=using):
            _store(connections[using], unpacked[start : start + MOST_ROWS])
    if contacts or frames or counters or identities:
        with transaction.atomic(using=using):
            reports.contacts(contacts, version=next_version)
            reports.frames(frames)
            reports.counters(counters)
            reports.identities(identities)
    return len(unpacked)


def next_version() -> int:
    """One more than the newest version of any state. Only the store calls it, in its one thread."""
    newest = MeterState.objects.aggregate(newest=Max("version"))["newest"]
    return (newest or 0) + 1


def _store(connection: BaseDatabaseWrapper, rows: list[Row]) -> None:
    version = next_version()
    if connection.vendor == "postgresql":
        _postgresql(connection, rows, version)
    else:
        _sqlite(connection, rows, version)


def newest_rows(rows: Iterable[Row]) -> list[Row]:
    """The newest row of each meter that tells its state."""
    newest: dict[int, Row] = {}
    for row in rows:
        if row[_STORE] == KEEP_ONLY:
            continue
        seen = newest.get(row[0])
        if seen is None or row[1] >= seen[1]:
            newest[row[0]] = row
    return list(newest.values())


# SQLite: one prepared statement, run for each row

_ABSENT_AS_NULL = f"NULLIF(?, {ABSENT})"
_TIME = "strftime('%%Y-%%m-%%d %%H:%%M:%%f', ? / 1000.0, 'unixepoch')"


def _values(names: Sequence[str]) -> str:
    return ", ".join(_ABSENT_AS_NULL if name in (*_QUANTITIES, "meter_clock") else "?" for name in names)


def _pick(names: Sequence[str]) -> Any:
    return itemgetter(*(_FIELDS.index(name) for name in names))


_pick_reading = _pick(("meter_id", "at_ms", *_READING))
_pick_state = _pick(("meter_id", "at_ms", "at_ms", *_STATE, "meter_id"))
_SQLITE_READING = (
    f"INSERT OR IGNORE INTO readings_reading ({_READING_COLUMNS}) VALUES (?, ? / 1000, {_values(_READING)})"
)
_SQLITE_STATE = (
    f"INSERT INTO readings_meterstate AS s ({_STATE_COLUMNS}, {_REST_COLUMNS}) "
    f"SELECT ?, {_TIME}, {_TIME}, {_values(_STATE)}, {{version:d}}, {_REST} "
    f"WHERE EXISTS (SELECT 1 FROM estate_meter WHERE id = ?) {_NEWER}"
)


def _sqlite(connection: BaseDatabaseWrapper, rows: list[Row], version: int) -> None:
    with connection.cursor() as cursor:
        stored = [_pick_reading(row) for row in rows if row[_STORE]]
        if stored:
            cursor.executemany(_SQLITE_READING, stored)
        cursor.executemany(_SQLITE_STATE.format(version=version), [_pick_state(row) for row in newest_rows(rows)])


# PostgreSQL: one binary COPY into a table of this session, then two statements over it

_INCOMING = "readings_incoming"
_COPY = f"COPY {_INCOMING} FROM STDIN (FORMAT BINARY)"
_TABLE = (
    f"CREATE TEMPORARY TABLE IF NOT EXISTS {_INCOMING} "
    f"({', '.join(f'{name} bigint NOT NULL' for name in _FIELDS)}) ON COMMIT DELETE ROWS"
)
_EMPTY = f"DELETE FROM {_INCOMING}"
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_LENGTH = 8  # of a bigint
_TUPLE = Struct(">h" + "iq" * len(_FIELDS))


def _columns(names: Sequence[str]) -> str:
    kinds = {"purchase_number": "::int", "contactor": "::smallint", "mode": "::smallint", "flags": "::int"}
    kinds |= dict.fromkeys((name for name in _QUANTITIES if name.startswith(("voltage", "current"))), "::int")
    kinds["power_factor"] = "::int"
    null = (*_QUANTITIES, "meter_clock")
    return ", ".join((f"NULLIF({name}, {ABSENT})" if name in null else name) + kinds.get(name, "") for name in names)


_PG_TIME = "to_timestamp(at_ms / 1000.0)"
_PG_READING = (
    f"INSERT INTO readings_reading ({_READING_COLUMNS}) SELECT meter_id, at_ms / 1000, {_columns(_READING)} "
    f"FROM {_INCOMING} WHERE store <> 0 ON CONFLICT DO NOTHING"
)
_PG_STATE = (
    f"INSERT INTO readings_meterstate AS s ({_STATE_COLUMNS}, {_REST_COLUMNS}) "
    f"SELECT DISTINCT ON (meter_id) meter_id, {_PG_TIME}, {_PG_TIME}, {_columns(_STATE)}, %s, {_REST} "
    f"FROM {_INCOMING} WHERE store <> {KEEP_ONLY} AND EXISTS (SELECT 1 FROM estate_meter WHERE id = meter_id) "
    f"ORDER BY meter_id, at_ms DESC {_NEWER}"
)


def _postgresql(connection: BaseDatabaseWrapper, rows: list[Row], version: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
        cursor.execute(_EMPTY)  # a caller's longer transaction may hold rows of the batch before
        with cursor.copy(_COPY) as copy:
            copy.write(_copy_data(rows))
        if any(row[_STORE] for row in rows):
            cursor.execute(_PG_READING)
        cursor.execute(_PG_STATE, [version])


def _copy_data(rows: Iterable[Row]) -> bytes:
    """Rows in PostgreSQL's binary form: every field a bigint, its length before it."""
    slots = [len(_FIELDS), *(_LENGTH for _ in range(2 * len(_FIELDS)))]
    parts = [_HEADER]
    pack = _TUPLE.pack
    for row in rows:
        slots[2::2] = row
        parts.append(pack(*slots))
    parts.append(_TRAILER)
    return b"".join(parts)
