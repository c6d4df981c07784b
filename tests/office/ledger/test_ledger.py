"""The ledger: balanced, append-only, and able to say so."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from prewatt.core.money import Money
from prewatt.office.ledger import selectors
from prewatt.office.ledger.errors import Unbalanced
from prewatt.office.ledger.models import Account, AccountKind, Entry, Transaction
from prewatt.office.ledger.services import Posting, post, transfer
from tests.office.factories import AT

pytestmark = pytest.mark.django_db
CASH, PENDING = (AccountKind.CASH, "A/cash"), (AccountKind.PENDING, "1")


def sale(fen: int = 100_00, subject: str = "A-1") -> Transaction:
    return post(
        at=AT, kind="sale", subject=subject, by=None, lines=transfer(debit=CASH, credit=PENDING, amount=Money(fen))
    )


def test_a_transaction_moves_money_between_two_accounts() -> None:
    sale()
    assert selectors.balance(*CASH) == Money(-100_00)
    assert selectors.balance(*PENDING) == Money(100_00)
    assert selectors.balances() == {AccountKind.CASH: Money(-100_00), AccountKind.PENDING: Money(100_00)}
    assert selectors.standing() == {("A-1", "cash"): -100_00, ("A-1", "pending"): 100_00}
    assert selectors.check() == []


def test_a_negative_amount_moves_it_back() -> None:
    sale()
    sale(-100_00)
    assert selectors.balance(*CASH) == Money(0)
    assert selectors.standing() == {}
    assert set(Entry.objects.values_list("debit_fen", "credit_fen")) == {(100_00, 0), (0, 100_00)}


def test_an_account_is_made_once() -> None:
    sale()
    sale()
    assert Account.objects.count() == 2


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (Posting(*CASH, debit=Money(1)), Posting(*PENDING, credit=Money(2))),
        (Posting(*CASH), Posting(*PENDING)),
        (Posting(*CASH, debit=Money(1), credit=Money(1)),),
        (Posting(*CASH, debit=Money(-1)), Posting(*PENDING, credit=Money(-1))),
    ],
)
def test_what_does_not_balance_is_our_own_mistake(lines: tuple[Posting, ...]) -> None:
    with pytest.raises(Unbalanced):
        post(at=AT, kind="sale", subject="", by=None, lines=lines)
    assert not Transaction.objects.exists()


def test_check_names_the_transaction_that_is_off() -> None:
    good, bad = sale(), sale()
    Entry.objects.create(transaction=bad, account=Account.objects.get(kind="cash"), debit_fen=1)
    bare = Transaction.objects.create(at=AT, kind="sale")
    assert selectors.check() == [
        f"I1 transaction {bad.pk} is off by -1 fen",
        f"I1 transaction {bare.pk} has no entries",
    ]
    assert good.entries.count() == 2


@pytest.mark.parametrize("table", ["ledger_transaction", "ledger_entry"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_refuses_to_change_or_delete_a_row(table: str, verb: str) -> None:
    sale()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb.format(table))
    assert Entry.objects.count() == 2


def test_an_entry_has_one_side() -> None:
    posted = sale()
    with pytest.raises(DatabaseError), transaction.atomic():
        Entry.objects.create(transaction=posted, account=Account.objects.first(), debit_fen=1, credit_fen=1)
