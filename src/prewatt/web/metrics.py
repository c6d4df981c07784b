"""/metrics for a monitoring system (Prometheus text): how the lines do and who answers. Nothing of any tenant.

Open to this machine itself, and to whoever shows the token kept in the home (``metrics.token``). Once there is a token
everybody must show it: behind a proxy on the same machine all the world looks local.
"""

from __future__ import annotations

from collections.abc import Iterator
from hmac import compare_digest
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from prewatt import __version__
from prewatt.core.supply import Contact
from prewatt.office.readings import selectors as readings
from prewatt.office.readings.models import LineState
from prewatt.web.console.base.access import public

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
ERRORS = {"timeout": "timeouts", "crc": "crc_errors", "foreign": "foreign", "exception": "exceptions"}


@public
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of now."""
    refused = _refused(request)
    if refused is not None:
        return refused
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Site())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _refused(request: HttpRequest) -> HttpResponse | None:
    token = settings.PREWATT_METRICS_TOKEN()
    if token:
        shown = request.headers.get("Authorization", "")
        if compare_digest(shown.encode("utf-8", "replace"), f"Bearer {token}".encode()):
            return None
        return HttpResponse(
            "a bearer token is needed\n", status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"}
        )
    if _local(request):
        return None
    return HttpResponse("only from this machine, or with a token\n", status=403, content_type="text/plain")


def _local(request: HttpRequest) -> bool:
    """Whether the request comes from this machine and was not passed on by a proxy."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class _Site(Collector):
    """Reads the database when it is asked: the counters live there, whichever process is asked."""

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("prewatt_build", "1 for the version that runs.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from _meters()
        yield from _gateways()
        yield from _lines(list(readings.system_line_states()))


def _meters() -> Iterator[Metric]:
    family = GaugeMetricFamily("prewatt_meters", "Meters in use by contact.", labels=["contact"])
    for contact, count in readings.system_contacts().items():
        family.add_metric([contact.value], count)
    yield family


def _gateways() -> Iterator[Metric]:
    family = GaugeMetricFamily("prewatt_gateway_up", "Whether a gateway answers.", labels=["gateway"])
    for gateway in readings.gateway_contacts(None):
        family.add_metric([gateway.name], gateway.contact is Contact.OK)
    yield family


def _lines(states: list[LineState]) -> Iterator[Metric]:
    names = ["gateway", "line"]
    exchanges = CounterMetricFamily("prewatt_line_exchanges", "Questions asked on a line.", labels=names)
    errors = CounterMetricFamily(
        "prewatt_line_errors", "Questions without a good answer, by kind.", labels=[*names, "kind"]
    )
    busy = GaugeMetricFamily("prewatt_line_busy_ratio", "Share of time a line was in use, last report.", labels=names)
    latency = GaugeMetricFamily(
        "prewatt_line_latency_seconds", "How long meters took, last report.", labels=[*names, "quantile"]
    )
    sweep = GaugeMetricFamily("prewatt_line_round_seconds", "Time of the last whole round.", labels=names)
    told = GaugeMetricFamily("prewatt_line_reported_timestamp_seconds", "When a line last reported.", labels=names)
    for state in states:
        line = [state.line.gateway.name, state.line.name]
        exchanges.add_metric(line, state.exchanges)
        for kind, column in ERRORS.items():
            errors.add_metric([*line, kind], getattr(state, column))
        busy.add_metric(line, state.busy_permille / 1000)
        latency.add_metric([*line, "0.5"], state.latency_p50_ms / 1000)
        latency.add_metric([*line, "0.95"], state.latency_p95_ms / 1000)
        sweep.add_metric(line, state.round_ms / 1000)
        if state.at is not None:
            told.add_metric(line, state.at.timestamp())
    yield from (exchanges, errors, busy, latency, sweep, told)
