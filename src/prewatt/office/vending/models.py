"""Credit orders and everything that proves what became of them (states and evidence: docs/accounting)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.estate.models import Gateway, Meter


class Counter(models.Model):
    """A till. Numbers its receipts without gaps."""

    name = models.CharField(_("counter"), max_length=40, unique=True)
    prefix = models.CharField(max_length=8, unique=True)
    last_receipt = models.PositiveBigIntegerField(default=0)


class OrderKind(models.TextChoices):
    SALE = "sale", _("sale")


class OrderState(models.TextChoices):
    QUEUED = "queued", _("waiting for the meter")
    UNKNOWN = "unknown", _("being proven")
    DELIVERED = "delivered", _("on the meter")
    REFUSED = "refused", _("refused by the meter")
    QUARANTINE = "quarantine", _("in quarantine")
    CANCELLED = "cancelled", _("cancelled")


class PayMethod(models.TextChoices):
    CASH = "cash", _("cash")
    CARD = "card", _("bank card")
    TRANSFER = "transfer", _("bank transfer")


class Purse(models.Model):
    """The wallet inside one meter, by serial: what it held at opening, and what is proven since."""

    serial = models.CharField(max_length=40, unique=True)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="purses")
    opening_count = models.IntegerField(null=True)  # None: not yet observed
    opening_total = models.BigIntegerField(null=True)
    opening_remaining = models.BigIntegerField(null=True)
    proven_count = models.IntegerField(null=True)
    proven_total = models.BigIntegerField(null=True)
    proven_at = models.DateTimeField(null=True)
    stop_reason = models.CharField(max_length=60, blank=True)  # not empty: no credit frame may go out
    stopped_at = models.DateTimeField(null=True)


class CreditOrder(models.Model):
    """An order for credit: the only mutable row of a delivery. One row, one state."""

    number = models.CharField(_("order number"), max_length=20, unique=True)
    key = models.CharField(max_length=64, unique=True)
    body_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=OrderKind, default=OrderKind.SALE)
    agreement = models.ForeignKey(SupplyAgreement, on_delete=models.PROTECT, related_name="orders")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="credit_orders")
    serial = models.CharField(max_length=40, blank=True)  # set at arm
    requested_fen = models.BigIntegerField()
    armed_fen = models.BigIntegerField(null=True)
    state = models.CharField(max_length=12, choices=OrderState, default=OrderState.QUEUED, db_index=True)
    n = models.IntegerField(null=True)
    base_count = models.IntegerField(null=True)
    base_total = models.BigIntegerField(null=True)
    base_remaining = models.BigIntegerField(null=True)  # printed on the proof of credit
    sends = models.PositiveIntegerField(default=0)  # frames permitted since it was armed
    sends_before = models.PositiveIntegerField(default=0)  # those of earlier rounds, before an operator said "again"
    fruitless = models.PositiveIntegerField(default=0)  # those after which the same head-end still read n - 1
    permit_token = models.BigIntegerField(null=True)  # of the newest permit, until a read told what became of it
    armed_at = models.DateTimeField(null=True)
    permit_at = models.DateTimeField(null=True)  # evidence the last permit was given on; only newer one is judged
    contradictions = models.PositiveIntegerField(default=0)
    contradicted_at = models.DateTimeField(null=True)
    strangers = models.PositiveIntegerField(default=0)
    stranger_since = models.DateTimeField(null=True)
    events_made = models.PositiveIntegerField(default=1)  # number of the newest CreditEvent
    lease_token = models.BigIntegerField(null=True)
    due_at = models.DateTimeField(null=True)  # next read-back; while QUEUED: not before
    method = models.CharField(max_length=10, choices=PayMethod, default=PayMethod.CASH)
    counter = models.ForeignKey(Counter, null=True, on_delete=models.PROTECT, related_name="orders")
    by = models.ForeignKey("operators.Operator", null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_index=True)
    settled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=60, blank=True)  # where it waits or why it ended, a stable word

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["serial"], condition=models.Q(state="unknown"), name="one_order_in_flight_a_serial"
            ),
            models.UniqueConstraint(
                fields=["serial", "n"],
                condition=models.Q(state__in=["unknown", "delivered", "quarantine"]),
                name="n_once_a_serial",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class CreditEvent(models.Model):
    """A change of state of an order. Append-only."""

    order = models.ForeignKey(CreditOrder, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    by = models.ForeignKey("operators.Operator", null=True, on_delete=models.PROTECT, related_name="+")
    lease_token = models.BigIntegerField(null=True)
    observation = models.ForeignKey("Observation", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["order", "seq"], name="event_seq")]


class Attempt(models.Model):
    """Leave to send one frame, committed before its first byte. Append-only."""

    order = models.ForeignKey(CreditOrder, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField()
    token = models.BigIntegerField()
    n = models.IntegerField()
    amount = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["order", "number"], name="attempt_number")]


class Observation(models.Model):
    """What a meter showed, and what was concluded. Append-only."""

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(CreditOrder, null=True, on_delete=models.PROTECT, related_name="observations")
    at = models.DateTimeField()
    serial = models.CharField(max_length=40, blank=True)
    count = models.IntegerField(null=True)
    total = models.BigIntegerField(null=True)
    remaining = models.BigIntegerField(null=True)
    records = models.JSONField(default=list)
    refused = models.BooleanField(default=False)
    raw = models.BinaryField(default=bytes)
    finding = models.CharField(max_length=16, blank=True)
    reason = models.CharField(max_length=60, blank=True)


class LineLease(models.Model):
    """Who may command a gateway, until when. The token grows at each take-over and fences the one before."""

    gateway = models.OneToOneField(Gateway, on_delete=models.CASCADE, primary_key=True)
    holder = models.CharField(max_length=80)
    token = models.BigIntegerField(default=1)
    expires = models.DateTimeField()


class ReceiptKind(models.TextChoices):
    MONEY = "money", _("receipt of money")
    PROOF = "proof", _("proof of credit")


class Receipt(models.Model):
    """A paper: the receipt of money at payment, the proof of credit at delivery. ``body`` is what was printed."""

    kind = models.CharField(max_length=6, choices=ReceiptKind)
    number = models.CharField(max_length=24, unique=True)
    order = models.ForeignKey(CreditOrder, on_delete=models.PROTECT, related_name="receipts")
    counter = models.ForeignKey(Counter, null=True, on_delete=models.PROTECT, related_name="receipts")
    at = models.DateTimeField()
    body = models.JSONField(default=dict)
