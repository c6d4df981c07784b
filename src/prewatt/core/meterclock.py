"""How far a meter's own clock is off, and when it may be set: never across a boundary at which its tariff changes.

Meters keep civil time without a zone. Tariffs change at half hours (GB/T 19215 and every plan of the grid companies),
so a clock is set only when neither the old time nor the new one is near one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

GOOD_S = 30  # not worth a telegram
WRONG_S = 300  # energy falls into the wrong tariff: somebody should know. DL/T 645 meters take no larger step
BOUNDARY_S = 1800
AWAY_S = 300  # from a boundary


def drift_s(meter_clock: int, at: datetime, zone: ZoneInfo) -> int:
    """Seconds the meter is ahead (negative: behind). ``meter_clock``: its civil time as if UTC, epoch seconds."""
    return meter_clock - _civil_s(at, zone)


def may_set(drift: int, at: datetime, zone: ZoneInfo) -> bool:
    """Whether setting the clock now moves it across no tariff boundary, nor close to one."""
    right = _civil_s(at, zone)
    earliest, latest = min(right, right + drift) - AWAY_S, max(right, right + drift) + AWAY_S
    return earliest // BOUNDARY_S == latest // BOUNDARY_S


def worth_setting(drift: int) -> bool:
    """Off enough to matter, and not so far that a broadcast would be refused."""
    return GOOD_S < abs(drift) <= WRONG_S


def _civil_s(at: datetime, zone: ZoneInfo) -> int:
    return round(at.astimezone(zone).replace(tzinfo=UTC).timestamp())
