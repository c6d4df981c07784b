"""The estate as it hangs on the wire and as it is let: groups, gateways, lines, meters, unit numbers."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


def live_name(constraint: str) -> models.UniqueConstraint:
    """A name is taken by one thing in use; a retired one gives it free."""
    return models.UniqueConstraint(fields=["name"], condition=models.Q(retired_at__isnull=True), name=constraint)


class GroupKind(models.TextChoices):
    ZONE = "zone", _("zone")
    BUILDING = "building", _("building")
    FLOOR = "floor", _("floor")
    GROUP = "group", _("group")


class UnitGroup(models.Model):
    """A nested group of units (建筑群): zone, building, floor, or any other."""

    name = models.CharField(_("name"), max_length=80, db_index=True)
    kind = models.CharField(_("kind"), max_length=10, choices=GroupKind)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    place = models.PositiveIntegerField(default=0)  # order among siblings
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [live_name("group_name_once")]

    def __str__(self) -> str:
        return self.name


class GatewayKind(models.TextChoices):
    TRANSPARENT = "transparent", _("transparent (RTU over TCP)")
    MODBUS_TCP = "modbus-tcp", _("Modbus TCP")
    SERIAL = "serial", _("serial port")
    PREWATT = "prewatt", _("Prewatt gateway")
    ACREL = "acrel", _("Acrel manager")


class Protection(models.TextChoices):
    TLS = "tls", _("TLS 1.3")
    RECORDS = "3des", _("triple-DES records")
    CLEAR = "clear", _("clear")


class Gateway(models.Model):
    """A communication manager (通讯管理机). Channel n of a transparent one listens at port + n - 1."""

    name = models.CharField(_("name"), max_length=80, db_index=True)
    kind = models.CharField(_("kind"), max_length=12, choices=GatewayKind)
    host = models.CharField(_("host"), max_length=120, blank=True)
    port = models.PositiveIntegerField(_("port"), null=True, blank=True)
    device = models.CharField(_("device"), max_length=120, blank=True)
    zone = models.ForeignKey(UnitGroup, null=True, blank=True, on_delete=models.PROTECT, related_name="gateways")
    cabinet = models.CharField(_("cabinet"), max_length=80, blank=True)
    secure = models.CharField(_("protection"), max_length=5, choices=Protection, default=Protection.CLEAR)
    secure_until = models.DateField(_("triple DES until"), null=True, blank=True)  # refused from the day after
    private_network = models.BooleanField(_("private network"), default=False)  # declared for this one
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [live_name("gateway_name_once")]

    def __str__(self) -> str:
        return self.name


class Parity(models.TextChoices):
    NONE = "N", _("no parity")
    EVEN = "E", _("even parity")
    ODD = "O", _("odd parity")


class Line(models.Model):
    """An RS-485 line (总线): at most 32 devices of one kind unless marked mixed."""

    name = models.CharField(_("name"), max_length=80, db_index=True)
    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="lines")
    channel = models.PositiveIntegerField(_("channel"), default=1)
    baud = models.PositiveIntegerField(_("baud rate"), default=9600)
    parity = models.CharField(_("parity"), max_length=1, choices=Parity, default=Parity.NONE)
    mixed = models.BooleanField(_("mixed kinds"), default=False)
    log_frames = models.BooleanField(_("log raw frames"), default=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [live_name("line_name_once")]

    def __str__(self) -> str:
        return self.name


class Premises(models.Model):
    """A unit number (户号): the place that is supplied."""

    number = models.CharField(_("unit number"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80, blank=True)
    group = models.ForeignKey(UnitGroup, null=True, blank=True, on_delete=models.PROTECT, related_name="premises")
    use = models.CharField(_("kind of use"), max_length=40, blank=True)
    protected = models.BooleanField(_("protected"), default=False)
    area_cm2 = models.BigIntegerField(_("area"), null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.number


class MeterRole(models.TextChoices):
    PREPAID = "prepaid", _("prepaid meter")
    INSTRUMENT = "instrument", _("metering instrument")
    LINE_TOTAL = "line-total", _("line total")


class Meter(models.Model):
    """A meter or instrument at an address of a line. ``profile`` names a register profile of the meters room."""

    name = models.CharField(_("name"), max_length=80, db_index=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="meters")
    address = models.PositiveIntegerField(_("address"))
    profile = models.CharField(_("profile"), max_length=60)
    serial = models.CharField(_("serial number"), max_length=40, blank=True, db_index=True)
    place = models.PositiveIntegerField(_("place in the chain"), null=True, blank=True)
    cabinet = models.CharField(_("cabinet"), max_length=80, blank=True)
    premises = models.ForeignKey(Premises, null=True, blank=True, on_delete=models.PROTECT, related_name="meters")
    circuit = models.CharField(_("circuit"), max_length=80, blank=True)
    role = models.CharField(_("role"), max_length=12, choices=MeterRole, default=MeterRole.PREPAID)
    ct = models.PositiveIntegerField(_("CT ratio"), default=1)
    pt = models.PositiveIntegerField(_("PT ratio"), default=1)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            live_name("meter_name_once"),
            models.UniqueConstraint(
                fields=["line", "address"], condition=models.Q(retired_at__isnull=True), name="meter_address_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class OperatorScope(models.Model):
    """Limits an operator to a group of units and all below it. No row: the whole site."""

    operator = models.ForeignKey("operators.Operator", on_delete=models.PROTECT, related_name="scopes")
    group = models.ForeignKey(UnitGroup, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "group"], name="scope_once")]


PRIVATE_NETWORKS = "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 ::1/128 fc00::/7 fe80::/10"


class Site(models.Model):
    """The one row of site-wide settings and defaults (F10)."""

    name = models.CharField(_("site name"), max_length=80)
    company = models.CharField(_("company"), max_length=80, blank=True)
    hotline = models.CharField(_("hotline"), max_length=40, blank=True)
    demo = models.BooleanField(default=False)
    time_zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    price = models.PositiveIntegerField(_("default price"), default=8_500)  # 1/10000 yuan per kWh
    alarm_1_fen = models.BigIntegerField(_("alarm level 1"), default=5_000)
    alarm_2_fen = models.BigIntegerField(_("alarm level 2"), default=2_000)
    overdraft_fen = models.BigIntegerField(_("overdraft limit"), default=0)
    stored_credit_max_fen = models.BigIntegerField(_("stored-credit ceiling"), default=50_000_00)
    sale_min_fen = models.BigIntegerField(_("smallest sale"), default=1_00)
    sale_max_fen = models.BigIntegerField(_("largest sale"), default=20_000_00)
    power_limit_w = models.PositiveIntegerField(_("power limit"), default=0)
    read_interval_s = models.PositiveIntegerField(_("reading interval"), default=1800)
    sweep_pause_s = models.PositiveIntegerField(_("pause between sweeps"), default=0)
    private_networks = models.CharField(_("private networks"), max_length=400, default=PRIVATE_NETWORKS, blank=True)
    battery_since = models.DateTimeField(null=True)  # the mains failed then; see power.py
    roster_version = models.BigIntegerField(default=1)  # grows with each change of gateways, lines, meters

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_site")]
