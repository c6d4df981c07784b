"""What lines did, slice by slice of five minutes, for one day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from prewatt.field.headend.store import LineCounters
from prewatt.office.readings import selectors
from prewatt.office.readings.ingest import ingest
from prewatt.office.readings.models import LineHistory, LineState
from tests.office import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def report(line: int, at: datetime, exchanges: int = 10, timeouts: int = 0, p95: int = 200) -> LineCounters:
    return LineCounters(line, round(at.timestamp() * 1000), exchanges, timeouts, 1, 0, 2, 500, 100, p95, 9000)


def test_reports_of_five_minutes_are_one_slice() -> None:
    line = factories.make_line()
    at = NOON + timedelta(seconds=7)
    ingest(counters=[report(line.pk, at), report(line.pk, at + timedelta(seconds=15), timeouts=3, p95=900)])
    ingest(counters=[report(line.pk, at + timedelta(minutes=4)), report(line.pk, at + timedelta(minutes=5))])
    ingest(counters=[report(999_999, at)])
    rows = list(selectors.line_history(factories.make_operator(), NOON))
    assert [(row.at, row.reports, row.exchanges, row.failed) for row in rows] == [
        (NOON, 3, 30, 6), (NOON + timedelta(minutes=5), 1, 10, 1),
    ]  # fmt: skip
    assert (rows[0].latency_p95_ms, rows[0].busy_sum) == (900, 1500)
    assert LineState.objects.get().exchanges == 40


def test_a_day_is_kept() -> None:
    line = factories.make_line()
    for hours in (0, 12, 24, 25):
        ingest(counters=[report(line.pk, NOON + timedelta(hours=hours))])
    assert [row.at.hour for row in LineHistory.objects.order_by("at")] == [0, 12, 13]


def test_lines_of_others_are_not_told() -> None:
    zone = factories.make_group()
    own = factories.make_line(gateway=factories.make_gateway(zone=zone))
    other = factories.make_line()
    ingest(counters=[report(own.pk, NOON), report(other.pk, NOON)])
    operator = factories.make_operator("engineer", groups=(zone,))
    assert [row.line_id for row in selectors.line_history(operator, NOON)] == [own.pk]
