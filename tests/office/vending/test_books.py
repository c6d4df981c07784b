"""The invariants find what is wrong; the guards keep what proves."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from prewatt.main.books import SEALED, missing_guards
from prewatt.office.operators.guards import guard_sql, release_sql
from prewatt.office.vending.invariants import check
from prewatt.office.vending.models import Attempt, Counter, CreditOrder, Purse
from tests.office.vending.desk import Desk

TABLES = [model._meta.db_table for model in SEALED]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_what_proves_is_append_only(desk: Desk, table: str, verb: str) -> None:
    desk.deliver()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb.format(table))
    assert check() == []


def test_a_guard_that_was_taken_off_is_missed(desk: Desk) -> None:
    assert missing_guards() == []
    unguard("vending_attempt")
    assert missing_guards() == ["vending_attempt_no_delete", "vending_attempt_no_update"]


def unguard(table: str) -> None:
    with connection.cursor() as cursor:
        for statement in release_sql(table, connection.vendor):
            cursor.execute(statement)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_guards_can_be_put_back(desk: Desk) -> None:
    unguard("vending_attempt")
    for statement in guard_sql("vending_attempt", connection.vendor):
        run(statement)
    assert missing_guards() == []


class TestWhatIsWrongIsFound:
    """Each invariant, broken by a hand on the database."""

    @pytest.fixture(autouse=True)
    def _delivered(self, desk: Desk) -> None:
        desk.deliver()
        assert check() == []

    def broken(self) -> set[str]:
        return {finding.split()[0] for finding in check()}

    def test_an_entry_changed(self) -> None:
        unguard("ledger_entry")
        run(
            "UPDATE ledger_entry SET debit_fen = debit_fen + 1 WHERE debit_fen = 10000 AND id = (SELECT min(id) FROM ledger_entry)"
        )
        assert {"I1", "I2", "I7"} <= self.broken()

    def test_an_order_said_to_wait_though_delivered(self) -> None:
        CreditOrder.objects.update(state="queued")
        assert {"I2", "I3", "I8"} <= self.broken()

    def test_credit_on_the_meter_that_nobody_sold(self) -> None:
        Purse.objects.update(proven_total=700_00)
        assert self.broken() == {"I3"}

    def test_a_count_that_nobody_explains(self) -> None:
        Purse.objects.update(proven_count=9)
        assert self.broken() == {"I3"}

    def test_a_frame_without_its_attempt(self) -> None:
        unguard("vending_attempt")
        Attempt.objects.all().delete()
        assert self.broken() == {"I5"}

    def test_a_receipt_that_is_gone(self) -> None:
        unguard("vending_receipt")
        run("DELETE FROM vending_receipt WHERE kind = 'money'")
        assert self.broken() == {"I7"}

    def test_a_number_that_was_skipped(self) -> None:
        Counter.objects.update(last_receipt=2)
        assert self.broken() == {"I7"}

    def test_a_proof_that_is_gone(self) -> None:
        unguard("vending_receipt")
        run("DELETE FROM vending_receipt WHERE kind = 'proof'")
        assert self.broken() == {"I9"}

    def test_cash_given_back_twice(self, desk: Desk) -> None:
        from prewatt.core.money import Money
        from prewatt.office.ledger.models import AccountKind
        from prewatt.office.ledger.services import post, transfer

        order = CreditOrder.objects.get()
        lines = transfer(
            debit=(AccountKind.REFUNDED, order.number), credit=(AccountKind.CASH, "A/cash"), amount=Money(200_00)
        )
        post(at=desk.clock.now(), kind="refund", subject=order.number, by=None, lines=lines)
        assert {"I2", "I6", "I7"} <= self.broken()
