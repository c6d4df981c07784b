"""The estate as the head-end needs it: gateways, their lines, and the meters on each in chain order."""

from __future__ import annotations

from collections import defaultdict
from zoneinfo import ZoneInfo

from django.db.models import F

from prewatt.field.headend.store import FORBIDDEN, GatewayEntry, LineEntry, MeterEntry, RosterData
from prewatt.office.estate import protection
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import Gateway, GatewayKind, Line, Meter, Protection, Site


def read(*, known: int) -> RosterData | None:
    """The living estate, or None when its version is still ``known``."""
    site = estate.site()
    if site.roster_version == known:
        return None
    lines = _lines(site)
    gateways = Gateway.objects.filter(retired_at__isnull=True).order_by("pk")
    return RosterData(
        version=site.roster_version,
        gateways=tuple(
            GatewayEntry(
                gateway_id=one.pk,
                name=one.name,
                kind=one.kind,
                host=one.host,
                port=one.port or 0,
                device=one.device,
                lines=tuple(lines[one.pk]),
                secure=_secure(one, site),
                secure_until_ms=_until_ms(one, site),
                private_network=one.private_network,
            )
            for one in gateways
        ),
        time_zone=site.time_zone,
        private_networks=tuple(map(str, protection.networks(site.private_networks))),
    )


def _secure(gateway: Gateway, site: Site) -> str:
    """How the head-end must reach it; ``forbidden`` when clear text is not allowed there."""
    clear = gateway.secure == Protection.CLEAR and gateway.kind != GatewayKind.SERIAL
    if clear and not protection.is_private(gateway, protection.networks(site.private_networks)):
        return FORBIDDEN
    return gateway.secure


def _until_ms(gateway: Gateway, site: Site) -> int:
    day = gateway.secure_until
    return round(protection.ends(day, ZoneInfo(site.time_zone)).timestamp() * 1000) if day else 0


def _lines(site: Site) -> dict[int, list[LineEntry]]:
    meters = _meters(site)
    found: dict[int, list[LineEntry]] = defaultdict(list)
    for one in Line.objects.filter(retired_at__isnull=True).order_by("channel", "pk"):
        found[one.gateway_id].append(
            LineEntry(
                line_id=one.pk,
                name=one.name,
                channel=one.channel,
                baud=one.baud,
                parity=one.parity,
                log_frames=one.log_frames,
                sweep_pause_s=float(site.sweep_pause_s),
                meters=tuple(meters[one.pk]),
            )
        )
    return found


def _meters(site: Site) -> dict[int, list[MeterEntry]]:
    found: dict[int, list[MeterEntry]] = defaultdict(list)
    living = Meter.objects.filter(retired_at__isnull=True)
    for one in living.order_by(F("place").asc(nulls_last=True), "address"):
        found[one.line_id].append(
            MeterEntry(
                meter_id=one.pk,
                name=one.name,
                address=one.address,
                profile=one.profile,
                serial=one.serial,
                read_interval_s=site.read_interval_s,
                pt=one.pt,
                ct=one.ct,
            )
        )
    return found
