"""The hash chain over append-only tables: proof that nobody changed, removed or reordered the past.

A sealer adds one link a row, some time after the row itself, so that a sale never waits for the link before it. Each
link holds the hash of the row's columns, its table and key, and the hash of the link before. Whoever notes the newest
hash (the day report prints it) can later prove that all before it is unchanged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Exists, Max, OuterRef

from prewatt.office.operators.models import Seal

GENESIS = "0" * 64
# Rows of parallel transactions may become visible out of order: look back this far for ones not yet sealed.
LOOK_BACK = 1000
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain and the tables disagree. why: changed, missing, order or unsealed."""

    seq: int  # of the seal; 0 for a row that has none
    table: str
    row: int
    why: str


@dataclass(frozen=True, slots=True)
class ChainState:
    """How far the seals reach: the newest hash, the number of links, and the rows that still wait for one."""

    head: str
    sealed: int
    unsealed: int


def table_of(model: type[models.Model]) -> str:
    """Name of a model's table: what a seal calls it."""
    return str(model._meta.db_table)  # noqa: SLF001 (Django's documented API)


def row_hash(row: models.Model, *, table: str, at: datetime, previous: str) -> str:
    """Hash of a link: the row's columns in a form that does not depend on the database, bound to the link before."""
    fields = row._meta.concrete_fields  # noqa: SLF001
    columns = {field.column: _plain(getattr(row, field.attname)) for field in fields}
    body = json.dumps(columns, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256("\n".join((previous, table, str(row.pk), _plain(at), body)).encode()).hexdigest()


def seal(tables: Sequence[type[models.Model]], *, at: datetime) -> int:
    """Add a link for each row that has none; the number of links added. Harmless when two sealers run at once."""
    added = 0
    for model in tables:
        while count := _seal_some(model, at):
            added += count
    return added


def verify(tables: Sequence[type[models.Model]]) -> Break | None:
    """The first bad row, or None when every seal fits its row and no row before the newest seals lacks one."""
    by_name = {table_of(model): model for model in tables}
    previous = GENESIS
    seals = Seal.objects.order_by("seq").iterator(CHUNK)
    while links := list(islice(seals, CHUNK)):
        rows = _rows_of(links, by_name)
        for link in links:
            if link.previous != previous:
                return Break(link.seq, link.table, link.row, "order")
            row = rows.get((link.table, link.row))
            if row is None:
                return Break(link.seq, link.table, link.row, "missing")
            if row_hash(row, table=link.table, at=link.at, previous=previous) != link.hash:
                return Break(link.seq, link.table, link.row, "changed")
            previous = link.hash
    return next(_forgotten(tables), None)


def state(tables: Sequence[type[models.Model]]) -> ChainState:
    """The head hash and the unsealed tail."""
    head = Seal.objects.order_by("-seq").values_list("hash", flat=True).first() or GENESIS
    return ChainState(head, Seal.objects.count(), sum(_unsealed(model).count() for model in tables))


def _seal_some(model: type[models.Model], at: datetime) -> int:
    table = table_of(model)
    newest = Seal.objects.filter(table=table).aggregate(newest=Max("row"))["newest"] or 0
    rows = list(_unsealed(model).filter(pk__gt=newest - LOOK_BACK).order_by("pk")[:CHUNK])
    if not rows:
        return 0
    try:
        with transaction.atomic():
            previous = Seal.objects.order_by("-seq").values_list("hash", flat=True).first() or GENESIS
            links = []
            for row in rows:
                link = row_hash(row, table=table, at=at, previous=previous)
                links.append(Seal(table=table, row=row.pk, hash=link, previous=previous, at=at))
                previous = link
            Seal.objects.bulk_create(links)
    except IntegrityError:  # another sealer was first: its links count, ours are gone
        return 0
    return len(rows)


def _unsealed(model: type[models.Model]) -> models.QuerySet[Any]:
    own = Seal.objects.filter(table=table_of(model), row=OuterRef("pk"))
    return models.QuerySet(model).filter(~Exists(own))


def _forgotten(tables: Sequence[type[models.Model]]) -> Iterator[Break]:
    """Rows without a seal that are older than the sealer's look-back: somebody put them in behind its back."""
    for model in tables:
        table = table_of(model)
        newest = Seal.objects.filter(table=table).aggregate(newest=Max("row"))["newest"] or 0
        for row in _unsealed(model).filter(pk__lte=newest - LOOK_BACK).order_by("pk")[:1]:
            yield Break(0, table, row.pk, "unsealed")


def _rows_of(links: Sequence[Seal], by_name: dict[str, type[models.Model]]) -> dict[tuple[str, int], models.Model]:
    keys: dict[str, list[int]] = {}
    for link in links:
        keys.setdefault(link.table, []).append(link.row)
    found: dict[tuple[str, int], models.Model] = {}
    for table, wanted in keys.items():
        if table in by_name:
            rows: models.QuerySet[Any] = models.QuerySet(by_name[table]).filter(pk__in=wanted)
            found.update({(table, row.pk): row for row in rows})
    return found


def _plain(value: Any) -> Any:
    """A column's value as JSON can say it, the same from SQLite and PostgreSQL."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return value
