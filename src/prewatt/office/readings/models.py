"""Latest state of every meter and gateway, stored readings, line counters and raw frames."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from prewatt.office.estate.models import Gateway, Line, Meter


class MeterState(models.Model):
    """One row a meter: the newest thing known of it. Written by ingest only; ``version`` grows at each write."""

    meter = models.OneToOneField(Meter, on_delete=models.CASCADE, primary_key=True, related_name="state")
    version = models.BigIntegerField(default=0)  # no index: it would be rewritten with every reading
    at = models.DateTimeField(_("read at"), null=True)  # of the newest snapshot
    energy_wh = models.BigIntegerField(null=True)
    sharp_wh = models.BigIntegerField(null=True)
    peak_wh = models.BigIntegerField(null=True)
    flat_wh = models.BigIntegerField(null=True)
    valley_wh = models.BigIntegerField(null=True)
    deep_wh = models.BigIntegerField(null=True)
    credit = models.BigIntegerField(null=True)  # fen, or Wh for an energy purse
    total_purchased = models.BigIntegerField(null=True)
    purchase_number = models.IntegerField(null=True)
    power_w = models.BigIntegerField(null=True)
    voltage_a = models.IntegerField(null=True)  # 0.1 V
    voltage_b = models.IntegerField(null=True)
    voltage_c = models.IntegerField(null=True)
    current_a = models.IntegerField(null=True)  # 0.01 A
    current_b = models.IntegerField(null=True)
    current_c = models.IntegerField(null=True)
    power_factor = models.IntegerField(null=True)  # 0.001
    contactor = models.PositiveSmallIntegerField(default=0)  # meters.row.CONTACTOR_CODES
    mode = models.PositiveSmallIntegerField(default=0)  # meters.row.MODE_CODES
    flags = models.PositiveIntegerField(default=0)  # core.supply.MeterFlag
    meter_clock = models.BigIntegerField(null=True)
    seen_serial = models.CharField(max_length=40, blank=True)
    contact = models.CharField(max_length=8, default="unknown")  # core.supply.Contact
    contact_since = models.DateTimeField(null=True)
    last_good_at = models.DateTimeField(null=True)
    failed_rounds = models.PositiveIntegerField(default=0)
    contact_reason = models.CharField(max_length=40, blank=True)


class GatewayState(models.Model):
    """One row a gateway: whether its uplink answers."""

    gateway = models.OneToOneField(Gateway, on_delete=models.CASCADE, primary_key=True, related_name="state")
    contact = models.CharField(max_length=8, default="unknown")
    since = models.DateTimeField(null=True)
    last_good_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=40, blank=True)


class LineState(models.Model):
    """One row a line: its last counters."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="state")
    at = models.DateTimeField(null=True)
    exchanges = models.BigIntegerField(default=0)
    timeouts = models.BigIntegerField(default=0)
    crc_errors = models.BigIntegerField(default=0)
    foreign = models.BigIntegerField(default=0)
    exceptions = models.BigIntegerField(default=0)
    busy_permille = models.PositiveIntegerField(default=0)
    latency_p50_ms = models.PositiveIntegerField(default=0)
    latency_p95_ms = models.PositiveIntegerField(default=0)
    round_ms = models.PositiveIntegerField(default=0)


class LineHistory(models.Model):
    """What a line did in each slice of the last day: for the small curves. ``at`` is the slice's beginning."""

    pk = models.CompositePrimaryKey("line_id", "at")
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="history", db_index=False)
    at = models.DateTimeField(db_index=True)
    reports = models.PositiveIntegerField(default=0)
    exchanges = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)  # time-outs, bad checksums, foreign answers
    busy_sum = models.BigIntegerField(default=0)  # permille, once a report
    latency_p50_ms = models.PositiveIntegerField(default=0)  # of the last report
    latency_p95_ms = models.PositiveIntegerField(default=0)  # the worst of its reports


class Reading(models.Model):
    """A stored reading, unique by meter and time. The table is WITHOUT ROWID on SQLite; written by ingest only."""

    pk = models.CompositePrimaryKey("meter_id", "ts")
    # no foreign key in the database: meters are never deleted, and the check would cost a third of the ingest
    meter = models.ForeignKey(Meter, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    ts = models.BigIntegerField()  # epoch seconds UTC
    energy_wh = models.BigIntegerField(null=True)
    sharp_wh = models.BigIntegerField(null=True)
    peak_wh = models.BigIntegerField(null=True)
    flat_wh = models.BigIntegerField(null=True)
    valley_wh = models.BigIntegerField(null=True)
    deep_wh = models.BigIntegerField(null=True)
    credit = models.BigIntegerField(null=True)
    total_purchased = models.BigIntegerField(null=True)
    purchase_number = models.IntegerField(null=True)
    power_w = models.BigIntegerField(null=True)
    flags = models.PositiveIntegerField(default=0)
    contactor = models.PositiveSmallIntegerField(default=0)
    mode = models.PositiveSmallIntegerField(default=0)


class LineFrame(models.Model):
    """A raw frame of a line whose log is switched on; the newest few thousand a line are kept."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="frames")
    at = models.DateTimeField()
    direction = models.CharField(max_length=4)
    data = models.BinaryField(default=bytes)
    note = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["line", "at"], name="frames_of_a_line")]
