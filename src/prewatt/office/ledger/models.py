"""Accounts, transactions and entries. Debit and credit are columns of their own; rows are added, never changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class AccountKind(models.TextChoices):
    """What an account stands for. ``ref`` of an account names whose it is."""

    CASH = "cash", _("cash drawer")  # ref: counter and method
    PENDING = "pending", _("paid, not yet on the meter")  # ref: meter
    ON_METER = "on-meter", _("credit on the meter")  # ref: serial
    OPENING = "opening", _("credit found at opening")  # ref: serial
    SUSPENSE = "suspense", _("in suspense")  # ref: order
    UNALLOCATED = "unallocated", _("unallocated")
    REFUNDED = "refunded", _("refunded")


class Account(models.Model):
    """A ledger account in fen. The word account is used for nothing else."""

    kind = models.CharField(max_length=16, choices=AccountKind)
    ref = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "ref"], name="account_once")]


class Transaction(models.Model):
    """A balanced set of entries with one reason."""

    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=30)  # "sale", "delivery", "cancel", ...
    subject = models.CharField(max_length=80, blank=True)  # order number
    by = models.ForeignKey("operators.Operator", null=True, on_delete=models.PROTECT, related_name="+")


class Entry(models.Model):
    """One side of a transaction. Exactly one of debit and credit is above 0."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="entries")
    debit_fen = models.BigIntegerField(default=0)
    credit_fen = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(debit_fen__gt=0, credit_fen=0) | models.Q(debit_fen=0, credit_fen__gt=0),
                name="entry_one_side",
            )
        ]
