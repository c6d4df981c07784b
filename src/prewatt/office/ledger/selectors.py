"""Balances, and the proof that the ledger adds up."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from prewatt.core.money import Money
from prewatt.office.ledger.models import AccountKind, Entry, Transaction

NET = Coalesce(Sum(F("credit_fen") - F("debit_fen")), 0)


def balance(kind: AccountKind, ref: str | None = None) -> Money:
    """Credit less debit of one account, or of all accounts of a kind when ``ref`` is None."""
    entries = Entry.objects.filter(account__kind=kind)
    if ref is not None:
        entries = entries.filter(account__ref=ref)
    return Money(entries.aggregate(net=NET)["net"])


def balances() -> dict[AccountKind, Money]:
    """Credit less debit of each kind of account."""
    rows = Entry.objects.values_list("account__kind").annotate(net=NET).order_by()
    return {AccountKind(kind): Money(net) for kind, net in rows}


def standing(subjects: QuerySet[Transaction] | None = None) -> dict[tuple[str, str], int]:
    """Net fen by (subject, kind of account): where the money of each order is."""
    entries = Entry.objects.all() if subjects is None else Entry.objects.filter(transaction__in=subjects)
    rows = entries.values_list("transaction__subject", "account__kind").annotate(net=NET).order_by()
    return {(subject, kind): net for subject, kind, net in rows if net}


def by_account(kind: AccountKind, *, transaction_kinds: tuple[str, ...] = ()) -> dict[str, int]:
    """Net fen of each account of a kind, of some kinds of transaction only when they are named."""
    entries = Entry.objects.filter(account__kind=kind)
    if transaction_kinds:
        entries = entries.filter(transaction__kind__in=transaction_kinds)
    return dict(entries.values_list("account__ref").annotate(net=NET).order_by())


def received(since: datetime, until: datetime) -> Money:
    """Cash and other payments taken in a span of time, less what was given back."""
    rows = Entry.objects.filter(account__kind=AccountKind.CASH, transaction__at__gte=since, transaction__at__lt=until)
    return -Money(rows.aggregate(net=NET)["net"])


def check() -> list[str]:
    """What breaks invariant I1: every transaction sums to zero, so all of them do. Empty when it holds."""
    broken = Entry.objects.values_list("transaction").annotate(net=NET).exclude(net=0).order_by("transaction")
    bare = Transaction.objects.filter(entries__isnull=True).order_by("pk").values_list("pk", flat=True)
    return [f"I1 transaction {pk} is off by {net} fen" for pk, net in broken] + [
        f"I1 transaction {pk} has no entries" for pk in bare
    ]
