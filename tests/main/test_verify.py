"""``prewatt verify``: says what holds, and names the first bad row when somebody changed the past."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from prewatt.main import verify, worker
from prewatt.main.books import SEALED
from prewatt.main.home import Home
from prewatt.office.operators import chain
from prewatt.office.operators.guards import release_sql
from tests.office import factories
from tests.office.vending.desk import Desk

pytestmark = pytest.mark.django_db
TABLES = [model._meta.db_table for model in SEALED]
STAMP = "at = '2020-01-01 00:00:00'"


@pytest.fixture
def desk() -> Desk:
    made = Desk.make()
    made.deliver()
    made.sell()
    chain.seal(SEALED, at=factories.AT)
    return made


def report() -> dict[str, Any]:
    return verify.report(at=factories.AT)


def change(table: str, statement: str) -> None:
    with connection.cursor() as cursor:
        for release in release_sql(table, connection.vendor):
            cursor.execute(release)
        cursor.execute(statement)


def test_honest_books_hold(desk: Desk) -> None:
    found = report()
    assert found["ok"], found
    assert found["chain"]["unsealed"] == 0
    assert found["chain"]["sealed"] == sum(model._default_manager.count() for model in SEALED)
    assert [check["name"] for check in found["checks"]] == [
        "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "guards",
    ]  # fmt: skip
    assert all(check["about"] for check in found["checks"])


def test_rows_since_the_last_seal_are_shown_as_such(desk: Desk) -> None:
    desk.sell()
    found = report()
    assert found["ok"]
    assert found["chain"]["unsealed"] == 6  # transaction, two entries, event, receipt, operation log


CHANGES = {
    "vending_receipt": "number = 'X'",
    "ledger_entry": "account_id = (SELECT max(id) FROM ledger_account)",
}
# a row that others refer to cannot be deleted: the database's own references hold it
REFERRED_TO = {"ledger_transaction", "vending_observation"}


@pytest.mark.parametrize("table", TABLES)
def test_the_first_row_that_was_changed_is_named(desk: Desk, table: str) -> None:
    row = newest(table)
    change(table, f"UPDATE {table} SET {CHANGES.get(table, STAMP)} WHERE id = {row}")
    assert first_bad() == (table, row, "changed")


@pytest.mark.parametrize("table", [table for table in TABLES if table not in REFERRED_TO])
def test_the_first_row_that_is_gone_is_named(desk: Desk, table: str) -> None:
    row = newest(table)
    change(table, f"DELETE FROM {table} WHERE id = {row}")
    assert first_bad() == (table, row, "missing")


def newest(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(id) FROM {table}")
        return int(cursor.fetchone()[0])


def first_bad() -> tuple[str, int, str]:
    found = report()
    assert not found["ok"]
    bad = found["chain"]["first_bad"]
    return bad["table"], bad["row"], bad["why"]


def test_a_broken_invariant_is_said_in_words(desk: Desk) -> None:
    from prewatt.office.vending.models import Purse

    Purse.objects.update(proven_total=1)
    text = verify.in_words(report())
    assert "BROKEN I3" in text
    assert f"serial {desk.meter.serial}: total grew by -49999 fen, delivered 10000" in text


def test_long_lists_are_cut_for_people(desk: Desk) -> None:
    found = report()
    found["checks"][0] |= {"ok": False, "broken": [f"I1 transaction {number}" for number in range(30)]}
    assert "and 10 more; --json lists all" in verify.in_words(found)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    monkeypatch.setattr(Home, "exists", lambda home: True)  # the tests' home is made of a database only

    def call(*arguments: str) -> tuple[int, str]:
        status = verify.main(list(arguments))
        return status, capsys.readouterr().out

    return call


def test_the_exit_status_tells(desk: Desk, run: Callable[..., tuple[int, str]]) -> None:
    status, text = run("--json")
    assert (status, json.loads(text)["ok"]) == (0, True)
    change("ledger_entry", f"UPDATE ledger_entry SET {CHANGES['ledger_entry']} WHERE id = {newest('ledger_entry')}")
    status, text = run()
    assert status == 1
    assert "first bad row: ledger_entry" in text


def test_the_worker_seals_until_it_is_stopped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.sell()
    stop = threading.Event()
    sealed = chain.seal

    def seal_once(*args: Any, **fields: Any) -> int:
        stop.set()
        return sealed(*args, **fields)

    monkeypatch.setattr(chain, "seal", seal_once)
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own connection, shared with the worker here
    worker.run(Home.find(), stop)
    assert report()["chain"]["unsealed"] == 0
