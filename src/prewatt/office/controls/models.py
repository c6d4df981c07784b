"""Control orders: idempotent requests to a meter, and what became of them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from prewatt.office.estate.models import Meter


class ControlKind(models.TextChoices):
    READ_NOW = "read-now", _("read now")


class ControlState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    CLAIMED = "claimed", _("under way")
    DONE = "done", _("done")
    FAILED = "failed", pgettext_lazy("control order", "failed")
    UNKNOWN = "unknown", _("outcome unknown")


class ControlOrder(models.Model):
    """One request to one meter. ``key`` makes a repeated click the same order."""

    key = models.CharField(max_length=64, unique=True)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="control_orders")
    kind = models.CharField(max_length=20, choices=ControlKind)
    body = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=ControlState, default=ControlState.WAITING, db_index=True)
    by = models.ForeignKey("operators.Operator", null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    deadline = models.DateTimeField()
    claimed_token = models.BigIntegerField(null=True)
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=60, blank=True)
