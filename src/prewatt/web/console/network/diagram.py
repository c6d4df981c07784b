"""The connection diagram: server, gateways, lines, devices in the order of the cable, live."""

from __future__ import annotations

from hashlib import blake2s
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from prewatt.office.estate import selectors as estate
from prewatt.web.console.base.access import ConsoleRequest, is_fragment, right
from prewatt.web.console.network.chart import Server, drawn, server

GATEWAYS_A_PAGE = 8
EVERY = "3s"


@right("network.view")
@require_safe
def page(request: ConsoleRequest) -> HttpResponse:
    """The diagram of one zone or of all; an open page asks again, and gets nothing when nothing has changed."""
    zones = estate.groups(request.user).filter(gateways__isnull=False).distinct().order_by("place", "name")
    chosen = next((zone for zone in zones if str(zone.pk) == request.GET.get("zone", "")), None)
    gateways = estate.gateways(request.user).select_related("state").order_by("zone__place", "name", "pk")
    if chosen is not None:
        gateways = gateways.filter(zone=chosen)
    shown = Paginator(gateways, GATEWAYS_A_PAGE).get_page(request.GET.get("page"))
    nodes = drawn(request, list(shown))
    head = server(request)
    digest = _digest(nodes, head)
    if is_fragment(request) and request.GET.get("seen") == digest:
        return HttpResponse(status=204)
    context: dict[str, Any] = {
        "nodes": nodes, "server": head, "zones": zones, "chosen": chosen, "shown": shown, "seen": digest,
        "every": EVERY, "more": shown.paginator.num_pages > 1,
    }  # fmt: skip
    return render(request, f"console/network/{'chart' if is_fragment(request) else 'diagram'}.html", context)


def _digest(nodes: list[Any], head: Server) -> str:
    """Tells one picture from another."""
    return blake2s(repr((nodes, head)).encode(), digest_size=9).hexdigest()
