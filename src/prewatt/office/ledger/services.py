"""Posting to the double-entry ledger: balanced transactions are added, nothing is ever changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q

from prewatt.core.money import Money
from prewatt.office.ledger.errors import Unbalanced
from prewatt.office.ledger.models import Account, AccountKind, Entry, Transaction
from prewatt.office.operators.models import Operator

NOTHING = Money(0)


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a transaction: exactly one of debit and credit is above zero."""

    kind: AccountKind
    ref: str
    debit: Money = NOTHING
    credit: Money = NOTHING


def transfer(*, debit: tuple[AccountKind, str], credit: tuple[AccountKind, str], amount: Money) -> tuple[Posting, ...]:
    """The two lines that move an amount from one account to another; a negative amount moves it back."""
    if amount.fen < 0:
        debit, credit, amount = credit, debit, -amount
    return Posting(*debit, debit=amount), Posting(*credit, credit=amount)


def post(*, at: datetime, kind: str, subject: str, by: Operator | None, lines: Sequence[Posting]) -> Transaction:
    """Add one balanced transaction. Raises Unbalanced.

    ``kind`` is a stable word ("sale", "delivery", ...), ``subject`` the order it belongs to.
    """
    _check(lines)
    with transaction.atomic(savepoint=False):
        accounts = _accounts((line.kind, line.ref) for line in lines)
        posted = Transaction(at=at, kind=kind, subject=subject, by=by)
        posted.save(force_insert=True)
        Entry.objects.bulk_create(
            Entry(
                transaction=posted,
                account_id=accounts[line.kind, line.ref],
                debit_fen=line.debit.fen,
                credit_fen=line.credit.fen,
            )
            for line in lines
        )
    return posted


def _check(lines: Sequence[Posting]) -> None:
    sides = [sorted((line.debit.fen, line.credit.fen)) for line in lines]
    one_sided = all(least == 0 < most for least, most in sides)
    net = sum(line.debit.fen - line.credit.fen for line in lines)
    if not lines or not one_sided or net:
        raise Unbalanced(lines)


def _accounts(wanted: Iterable[tuple[AccountKind, str]]) -> dict[tuple[str, str], int]:
    """Ids of the accounts named, made when new. Two who make the same one at once both get it."""
    names = set(wanted)
    found = _find(names)
    missing = sorted(names - found.keys())
    if missing:
        Account.objects.bulk_create((Account(kind=kind, ref=ref) for kind, ref in missing), ignore_conflicts=True)
        found = _find(names)
    return found


def _find(names: Iterable[tuple[AccountKind, str]]) -> dict[tuple[str, str], int]:
    match = reduce(or_, (Q(kind=kind, ref=ref) for kind, ref in names))
    return {(kind, ref): pk for kind, ref, pk in Account.objects.filter(match).values_list("kind", "ref", "pk")}
