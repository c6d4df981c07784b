"""A meter's page says how far the meter's own clock is off."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from tests.office import factories
from tests.web.base.people import browser_of, told, unit, zone

pytestmark = pytest.mark.django_db


def page(off: int | None) -> str:
    factories.make_site()
    meter = unit("A-101", zone("A区", 1)[1], customer="老何小面店")
    at: datetime = settings.PREWATT_CLOCK.now().replace(microsecond=0)
    civil = round(at.astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=UTC).timestamp())
    told(meter, at=at, meter_clock=None if off is None else civil + off)
    return browser_of("engineer").get("/units/A-101/?tab=meters", follow=True).content.decode()


@pytest.mark.parametrize(
    ("off", "words"), [(12, "准确"), (-95, "慢 1:35"), (601, "快 10:01"), (200_000, "快 超过一天")]
)
def test_the_drift_is_told(off: int, words: str) -> None:
    shown = page(off)
    assert words in shown
    assert ("费率时段" in shown) == (abs(off) > 300)


def test_a_meter_without_a_clock_says_nothing() -> None:
    assert "电表时钟" not in page(None)
