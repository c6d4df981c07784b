"""/metrics: read by this machine or with a token, parsed by Prometheus' own parser, and silent about tenants."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from prewatt.core.supply import Contact
from prewatt.field.headend.store import ContactChange, ContactKind, LineCounters
from prewatt.office.estate.models import Line
from prewatt.office.readings.ingest import ingest
from tests.office import factories

pytestmark = pytest.mark.django_db
TOKEN = "s3cret-of-the-watchman"


@pytest.fixture
def line() -> Line:
    factories.make_site()
    line = factories.make_line(name='一号"线\\', gateway=factories.make_gateway(name="甲网关"))
    unit = factories.make_premises(number="A-101")
    meters = [factories.make_meter(line=line, premises=unit, name=f"A-101 表{n}") for n in range(3)]
    factories.make_agreement(meter=meters[0], premises=unit, name="老何小面店")
    at_ms = round(datetime(2026, 11, 23, 1, tzinfo=UTC).timestamp() * 1000)
    ingest(
        contacts=[
            ContactChange(ContactKind.METER, meters[0].pk, Contact.OK, at_ms, at_ms, 0, ""),
            ContactChange(ContactKind.METER, meters[1].pk, Contact.OUT, at_ms, 0, 3, "timeout"),
            ContactChange(ContactKind.GATEWAY, line.gateway_id, Contact.OK, at_ms, at_ms, 0, ""),
        ],
        counters=[LineCounters(line.pk, at_ms, 100, 7, 2, 1, 4, 985, 150, 320, 6500)] * 2,
    )
    return line


@pytest.fixture
def no_token(settings) -> None:
    settings.PREWATT_METRICS_TOKEN = lambda: ""


@pytest.fixture
def token(settings) -> None:
    settings.PREWATT_METRICS_TOKEN = lambda: TOKEN


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_figures_are_those_of_the_lines(line, no_token) -> None:
    response = Client().get("/metrics")
    assert response["Content-Type"].startswith("text/plain")
    found = values(response.content.decode())
    names = ("甲网关", '一号"线\\')
    assert found["prewatt_line_exchanges_total", *names] == 200
    kinds = {"timeout": 14, "crc": 4, "foreign": 2, "exception": 8}
    assert {kind: found["prewatt_line_errors_total", names[0], kind, names[1]] for kind in kinds} == kinds
    assert found["prewatt_line_busy_ratio", *names] == 0.985
    assert found["prewatt_line_latency_seconds", *names, "0.95"] == 0.32
    assert found["prewatt_line_round_seconds", *names] == 6.5
    assert found["prewatt_gateway_up", "甲网关"] == 1
    assert [found["prewatt_meters", contact] for contact in ("ok", "out", "unknown")] == [1, 1, 1]


def test_nothing_of_a_tenant_is_told(line, no_token) -> None:
    text = Client().get("/metrics").content.decode()
    for secret in ("老何", "A-101", "13800000000"):
        assert secret not in text


@pytest.mark.parametrize(
    "asked",
    [
        {"REMOTE_ADDR": "192.168.1.7"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=203.0.113.9"},
        {"REMOTE_ADDR": "192.168.1.7", "HTTP_AUTHORIZATION": "Bearer "},
    ],
)
def test_nobody_else_reads_them(line, no_token, asked) -> None:
    assert Client().get("/metrics", **asked).status_code == 403


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \udce9"])
def test_where_there_is_a_token_everybody_shows_it(line, token, shown) -> None:
    response = Client().get("/metrics", REMOTE_ADDR="127.0.0.1", HTTP_AUTHORIZATION=shown)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


def test_a_token_opens_from_anywhere(line, token) -> None:
    response = Client().get("/metrics", REMOTE_ADDR="192.168.1.7", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    assert response.status_code == 200
    assert Client().post("/metrics").status_code == 405


def test_the_token_lies_in_the_home(tmp_path) -> None:
    from prewatt.main.home import Home

    assert Home(tmp_path).metrics_token() == ""
    (tmp_path / "metrics.token").write_text(f"{TOKEN}\n", "utf-8")
    assert Home(tmp_path).metrics_token() == TOKEN


def test_an_empty_system_has_metrics_too(db, no_token) -> None:
    assert "prewatt_meters" in Client().get("/metrics").content.decode()
