"""A meter's clock against the site's, and when it may be set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from prewatt.core.meterclock import drift_s, may_set, worth_setting

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


def civil(at: datetime) -> int:
    return round(at.astimezone(SHANGHAI).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("off", [-3600, -31, 0, 1, 299])
def test_drift_is_against_civil_time(off: int) -> None:
    assert drift_s(civil(NOON) + off, NOON, SHANGHAI) == off


@pytest.mark.parametrize(
    ("minute", "drift", "allowed"),
    [
        (15, 60, True),
        (15, -60, True),
        (2, 0, False),
        (58, 0, False),
        (24, 120, False),  # the old time is near the half hour
        (6, -120, False),
        (6, -61, False),
        (7, -60, True),
        (15, 1200, False),
        (45, 240, True),
    ],
)
def test_it_is_set_only_away_from_the_half_hours(minute: int, drift: int, allowed: bool) -> None:
    assert may_set(drift, NOON + timedelta(minutes=minute), SHANGHAI) is allowed


def test_a_small_drift_is_left_and_a_large_one_told() -> None:
    assert [worth_setting(drift) for drift in (0, 30, -31, 300, 301, -86_400)] == [
        False, False, True, True, False, False,
    ]  # fmt: skip
