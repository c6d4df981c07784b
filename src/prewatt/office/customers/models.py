"""Customers, and the agreements under which a unit is supplied through its meters."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from prewatt.office.estate.models import Meter, Premises


class Customer(models.Model):
    """A tenant (商户): whoever pays for a unit's electricity."""

    name = models.CharField(_("name"), max_length=80, db_index=True)
    initials = models.CharField(max_length=80, blank=True, db_index=True)  # pinyin initials, for the counter's search
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class SupplyAgreement(models.Model):
    """A customer's supply at a unit, from opening (开户) to closing (销户)."""

    number = models.CharField(_("agreement number"), max_length=20, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="agreements")
    premises = models.ForeignKey(Premises, on_delete=models.PROTECT, related_name="agreements")
    opened_at = models.DateTimeField(_("opened on"))
    opened_by = models.ForeignKey("operators.Operator", null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(_("closed on"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["premises"], condition=models.Q(closed_at__isnull=True), name="one_open_agreement_a_unit"
            )
        ]

    def __str__(self) -> str:
        return self.number


class AgreementMeter(models.Model):
    """A meter that serves an agreement, with what it held when it began to."""

    agreement = models.ForeignKey(SupplyAgreement, on_delete=models.PROTECT, related_name="meters")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="agreements")
    bound_at = models.DateTimeField()
    unbound_at = models.DateTimeField(null=True, blank=True)
    opening_credit = models.BigIntegerField(null=True, blank=True)  # as the paper said; the meter's own is in its purse
    opening_energy_wh = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["meter"], condition=models.Q(unbound_at__isnull=True), name="meter_bound_once"
            )
        ]
