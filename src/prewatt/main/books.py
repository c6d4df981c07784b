"""The tables whose past must not change: sealed by the worker, guarded by the database, checked by verify."""

from __future__ import annotations

from django.db import connection, models

from prewatt.office.ledger.models import Entry, Transaction
from prewatt.office.operators.models import OperationLog
from prewatt.office.vending.models import Attempt, CreditEvent, Observation, Receipt

SEALED: tuple[type[models.Model], ...] = (
    OperationLog,
    Transaction,
    Entry,
    CreditEvent,
    Attempt,
    Observation,
    Receipt,
)


def missing_guards() -> list[str]:
    """Append-only guards that the database lacks: somebody took them off."""
    wanted = {f"{model._meta.db_table}_no_{action}" for model in SEALED for action in ("update", "delete")}  # noqa: SLF001
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {row[0] for row in cursor.fetchall()}
    return sorted(wanted - found)
