"""The fast way in for readings: packed rows go straight to the database, by executemany or COPY, never through models.

A row is idempotent by meter and time; a late one is kept as a reading but never moves the latest state back. The
state's ``version`` grows when something a tile shows has changed, so that pages fetch only those.
"""

# ruff: noqa: S608 (every name in these statements is a constant of this file)

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import Struct

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

_NULLABLE = frozenset((*_QUANTITIES, "meter_clock"))
_READING_COLUMNS = ", ".join(("meter_id", "ts", *_READING))
_REST_COLUMNS = "version, seen_serial, contact, failed_rounds, contact_reason, contactor, mode, flags"
_REST = "0, '', 'unknown', 0, '', 0, 0, 0"


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


def _newer_state(value: Callable[[str], str], time: str) -> tuple[str, str]:
    """The assignments and the condition of an update of the latest state; ``value`` says where a field comes from."""
    fields = ", ".join(f"{name} = {value(name)}" for name in _STATE)
    same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM {value(name)}" for name in _SHOWN)
    version = f"version = CASE WHEN {same} THEN s.version ELSE {{version:d}} END"
    return f"at = {time}, last_good_at = {time}, {fields}, {version}", f"(s.at IS NULL OR s.at < {time})"


# SQLite: prepared statements over a row's fields by their place, run for each row

_TIME = "strftime('%%Y-%%m-%%d %%H:%%M:%%f', ?2 / 1000.0, 'unixepoch')"
_USED = _FIELDS.index("flags") + 1  # fields that a reading's statement names


def _place(name: str) -> str:
    place = f"?{_FIELDS.index(name) + 1}"
    return f"NULLIF({place}, {ABSENT})" if name in _NULLABLE else place


_SQLITE_READING = (
    f"INSERT OR IGNORE INTO readings_reading ({_READING_COLUMNS}) "
    f"VALUES (?1, ?2 / 1000, {', '.join(_place(name) for name in _READING)})"
)
_SET, _IF = _newer_state(_place, _TIME)
_SQLITE_STATE = f"UPDATE readings_meterstate AS s SET {_SET} WHERE s.meter_id = ?1 AND {_IF}"
_SQLITE_NEW = (
    f"INSERT OR IGNORE INTO readings_meterstate (meter_id, {_REST_COLUMNS}) "
    f"SELECT id, {_REST} FROM estate_meter WHERE id = ?"
)


def _sqlite(connection: BaseDatabaseWrapper, rows: list[Row], version: int) -> None:
    newest, update = newest_rows(rows), _SQLITE_STATE.format(version=version)
    with connection.cursor() as cursor:
        stored = [row[:_USED] for row in rows if row[_STORE]]
        if stored:
            cursor.executemany(_SQLITE_READING, stored)
        if not newest:
            return
        cursor.executemany(update, newest)
        if cursor.rowcount < len(newest):  # some are late, or of meters that were never read before
            cursor.executemany(_SQLITE_NEW, [row[:1] for row in newest])
            cursor.executemany(update, newest)


# PostgreSQL: one binary COPY into a table of this session, then statements over it

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
_NEWEST = 4  # added to "store" of the newest row of a meter
_STORE_SLOT = 2 + 2 * _STORE
_SMALL = {"contactor": "smallint", "mode": "smallint"}
_WHOLE = ("purchase_number", "flags", "power_factor", *(n for n in _QUANTITIES if n.startswith(("voltage", "current"))))


def _column(name: str) -> str:
    value = f"NULLIF(n.{name}, {ABSENT})" if name in _NULLABLE else f"n.{name}"
    kind = _SMALL.get(name, "int" if name in _WHOLE else "bigint")
    return f"({value})::{kind}"


_PG_READING = (
    f"INSERT INTO readings_reading ({_READING_COLUMNS}) "
    f"SELECT n.meter_id, n.at_ms / 1000, {', '.join(_column(name) for name in _READING)} "
    f"FROM {_INCOMING} n WHERE n.store & {~_NEWEST} <> 0 ON CONFLICT DO NOTHING"
)
_SET, _IF = _newer_state(_column, "to_timestamp(n.at_ms / 1000.0)")
_PG_STATE = (
    f"UPDATE readings_meterstate s SET {_SET} FROM {_INCOMING} n "
    f"WHERE n.store & {_NEWEST} <> 0 AND s.meter_id = n.meter_id AND {_IF}"
)
_PG_NEW = (
    f"INSERT INTO readings_meterstate (meter_id, {_REST_COLUMNS}) SELECT id, {_REST} FROM estate_meter "
    f"WHERE id IN (SELECT meter_id FROM {_INCOMING} WHERE store & {_NEWEST} <> 0) ON CONFLICT DO NOTHING"
)


def _postgresql(connection: BaseDatabaseWrapper, rows: list[Row], version: int) -> None:
    newest, update = newest_rows(rows), _PG_STATE.format(version=version)
    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
        cursor.execute(_EMPTY)  # a caller's longer transaction may hold rows of the batch before
        with cursor.copy(_COPY) as copy:
            copy.write(_copy_data(rows, newest))
        if any(row[_STORE] for row in rows):
            cursor.execute(_PG_READING)
        cursor.execute(update)
        if cursor.rowcount < len(newest):  # some are late, or of meters that were never read before
            cursor.execute(_PG_NEW)
            cursor.execute(update)


def _copy_data(rows: Iterable[Row], newest: Iterable[Row]) -> bytes:
    """Rows in PostgreSQL's binary form: every field a bigint, its length before it; the newest of each meter marked."""
    marked = {id(row) for row in newest}
    slots = [len(_FIELDS), *(_LENGTH for _ in range(2 * len(_FIELDS)))]
    parts = [_HEADER]
    pack = _TUPLE.pack
    for row in rows:
        slots[2::2] = row
        if id(row) in marked:
            slots[_STORE_SLOT] |= _NEWEST
        parts.append(pack(*slots))
    parts.append(_TRAILER)
    return b"".join(parts)
