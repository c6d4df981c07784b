"""Control orders: idempotent requests to a meter, a gateway or a line, and what became of them; and work orders."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from prewatt.office.estate.models import Gateway, Line, Meter


class ControlKind(models.TextChoices):
    READ_NOW = "read-now", _("read now")
    RECONNECT = "reconnect", _("reconnect")
    SCAN = "scan", _("scan a line")


class ControlState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    CLAIMED = "claimed", _("under way")
    DONE = "done", _("done")
    FAILED = "failed", pgettext_lazy("control order", "failed")
    UNKNOWN = "unknown", _("outcome unknown")


class ControlOrder(models.Model):
    """One request: to a meter; to a gateway; or to one line of a gateway. ``key`` makes a repeated click the same."""

    key = models.CharField(max_length=64, unique=True)
    meter = models.ForeignKey(Meter, null=True, on_delete=models.PROTECT, related_name="control_orders")
    gateway = models.ForeignKey(Gateway, null=True, on_delete=models.PROTECT, related_name="control_orders")
    line = models.ForeignKey(Line, null=True, on_delete=models.PROTECT, related_name="control_orders")
    kind = models.CharField(max_length=20, choices=ControlKind)
    body = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=ControlState, default=ControlState.WAITING, db_index=True)
    by = models.ForeignKey("operators.Operator", null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    deadline = models.DateTimeField()
    claimed_token = models.BigIntegerField(null=True)
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)  # whoever carries it is told at its next report
    reason = models.CharField(max_length=60, blank=True)
    asked = models.PositiveIntegerField(default=0)  # of a long order: how much of it is done
    total = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(meter__isnull=False, gateway__isnull=True, line__isnull=True)
                | models.Q(meter__isnull=True, gateway__isnull=False),
                name="control_of_a_meter_or_gateway",
            )
        ]

    @property
    def gateway_number(self) -> int:
        """The gateway that it goes through."""
        if self.meter is not None:
            return self.meter.line.gateway_id
        assert self.gateway_id is not None
        return self.gateway_id


class ScanResult(models.Model):
    """A device that answered a scan: where, on which settings, and what it said it is."""

    order = models.ForeignKey(ControlOrder, on_delete=models.CASCADE, related_name="results")
    baud = models.PositiveIntegerField()
    parity = models.CharField(max_length=1)
    address = models.PositiveIntegerField()  # 0: a DL/T 645 meter, which has none but its serial
    profile = models.CharField(max_length=60, blank=True)
    candidates = models.CharField(max_length=240, blank=True)  # profiles that fit as well, with commas
    model_code = models.PositiveIntegerField(null=True)
    serial = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "baud", "parity", "address", "serial"], name="scan_result_once")
        ]


class WorkOrder(models.Model):
    """Somebody goes and looks: at a meter or at a gateway, by whom, and what was found."""

    meter = models.ForeignKey(Meter, null=True, on_delete=models.PROTECT, related_name="work_orders")
    gateway = models.ForeignKey(Gateway, null=True, on_delete=models.PROTECT, related_name="work_orders")
    person = models.CharField(_("who goes"), max_length=60)
    note = models.CharField(_("what is to be done"), max_length=300, blank=True)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey("operators.Operator", on_delete=models.PROTECT, related_name="+")
    result = models.CharField(_("what was found and done"), max_length=300, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey("operators.Operator", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(meter__isnull=True, gateway__isnull=False)
                | models.Q(meter__isnull=False, gateway__isnull=True),
                name="work_at_a_meter_or_gateway",
            ),
            models.UniqueConstraint(
                fields=["meter"], condition=models.Q(closed_at__isnull=True), name="open_work_at_a_meter_once"
            ),
            models.UniqueConstraint(
                fields=["gateway"], condition=models.Q(closed_at__isnull=True), name="open_work_at_a_gateway_once"
            ),
        ]
