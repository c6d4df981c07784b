"""The wall and its changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from prewatt.office.readings import selectors as readings
from prewatt.web.console.base import doors
from prewatt.web.console.base.access import ConsoleRequest, own, right
from prewatt.web.console.overview import plan
from prewatt.web.console.overview.day import day_of
from prewatt.web.console.overview.first_day import steps_of
from prewatt.web.console.overview.queue import queue_of
from prewatt.web.console.overview.tiles import WALL, changed

FAST_S, SLOW_S = 2, 6  # how often a wall asks for changes: few units, many units
MANY = 800
LONGEST_GAP_MS = 15 * 60_000  # a wall that slept longer is drawn anew as a whole


@own
@require_safe
def home(request: ConsoleRequest) -> HttpResponse:
    """The first page of whoever is signed in: the first of his doors."""
    links = doors.shown(request.rights, demo=request.site.demo)
    if not links:
        return render(request, "console/overview/no_door.html", status=403)
    return HttpResponseRedirect(links[0].address)


@right("wall.view")
@require_safe
def wall(request: ConsoleRequest) -> HttpResponse:
    """Every unit the operator may see, coloured by its state."""
    now = request.clock.now()
    tiles = readings.wall(request.user)
    seen = WALL.look(tiles, get_language() or "", _ms(now))
    context = _around(request, tiles, now)
    context["zones"] = plan.zones(tiles, [one.html for one in seen])
    context["steps"] = steps_of(request, tiles)
    return render(request, "console/overview/wall.html", context)


@right("wall.view")
@require_safe
def changes(request: ConsoleRequest) -> HttpResponse:
    """What an open wall lacks since ``since`` (epoch ms of its last answer): tiles out of band, numbers, totals."""
    now = request.clock.now()
    tiles = readings.wall(request.user)
    seen = WALL.look(tiles, get_language() or "", _ms(now))
    since = _since(request, _ms(now))
    faces, numbers = changed(seen, since)
    context = _around(request, tiles, now)
    context |= {"tiles": faces, "numbers": numbers, "oob": True}
    context["zones"] = plan.bars(tiles)
    return render(request, "console/overview/changes.html", context)


def _around(request: ConsoleRequest, tiles: list[readings.Tile], now: datetime) -> dict[str, Any]:
    return {
        "day": day_of(request.user, tiles, now),
        "queue": queue_of(request.user, tiles, now),
        "legend": plan.legend(tiles),
        "since": _ms(now),
        "every": f"{SLOW_S if len(tiles) > MANY else FAST_S}s",
    }


def _since(request: ConsoleRequest, now_ms: int) -> int:
    text = request.GET.get("since", "")
    since = int(text) if text.isdecimal() and len(text) < 16 else 0
    return since if now_ms - LONGEST_GAP_MS < since <= now_ms else 0


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
