"""A unit's page, its live header, its tabs, reading now, and finding a unit from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_POST, require_safe

from prewatt.office.controls import selectors as control_orders
from prewatt.office.controls import services as controls
from prewatt.office.controls.models import ControlOrder, ControlState
from prewatt.office.customers import selectors as customers
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import Premises
from prewatt.web.console.base.access import ConsoleRequest, is_fragment, right
from prewatt.web.console.base.wake import wake
from prewatt.web.console.estate.badges import reason_words
from prewatt.web.console.units import tabs
from prewatt.web.console.units.view import Unit, unit_of

MOST_FOUND = 8
KEY_LENGTH = 20


@right("unit.view")
@require_safe
def find(request: ConsoleRequest) -> HttpResponse:
    """Units by number, customer, pinyin initials, phone or meter; one alone opens at once."""
    words = request.GET.get("q", "").strip()[:60]
    found = _found(request, words) if words else []
    if is_fragment(request):
        return render(request, "console/units/found.html", {"words": words, "found": found[:MOST_FOUND]})
    if len(found) == 1:
        return HttpResponseRedirect(reverse("units:page", args=[found[0]["number"]]))
    return render(request, "console/units/find.html", {"words": words, "found": found})


def _found(request: ConsoleRequest, words: str) -> list[dict[str, str]]:
    """Open supplies first, then units without a customer."""
    found = [
        {"number": one.premises.number, "who": one.customer.name, "name": one.premises.name}
        for one in customers.find(request.user, words)
    ]
    known = {one["number"] for one in found}
    bare = estate.premises(request.user).filter(number__icontains=words).exclude(number__in=known)
    found += [{"number": one.number, "who": "", "name": one.name} for one in bare.order_by("number")[:MOST_FOUND]]
    exact = [one for one in found if one["number"].lower() == words.lower()]
    return exact or found


@right("unit.view")
@require_safe
def page(request: ConsoleRequest, number: str) -> HttpResponse:
    """Everything about one unit; ``?tab=`` chooses what is under the header."""
    unit = _unit(request, number)
    chosen = tabs.of(request.GET.get("tab", ""))
    context = _head(unit) | {"tabs": tabs.TABS, "tab": chosen} | chosen.build(request, unit)
    template = chosen.template if is_fragment(request) else "console/units/page.html"
    return render(request, template, context)


@right("unit.view")
@require_safe
def live(request: ConsoleRequest, number: str) -> HttpResponse:
    """The header alone, as it is now."""
    return render(request, "console/units/head.html", _head(_unit(request, number)))


@right("meter.read-now")
@require_POST
def read_now(request: ConsoleRequest, number: str) -> HttpResponse:
    """Ask the field to read this unit's meters before its turn; the same form asks once."""
    unit = _unit(request, number)
    orders = controls.request_read_now(
        meters=[one.meter for one in unit.meters],
        key=request.POST.get("key", "") or new_key(),
        by=request.user,
        at=request.clock.now(),
    )
    wake()
    if not is_fragment(request):
        return HttpResponseRedirect(reverse("units:page", args=[number]))
    return _asked(request, unit, orders)


@right("meter.read-now")
@require_safe
def asked(request: ConsoleRequest, number: str, orders: str) -> HttpResponse:
    """What became of a reading that was asked for: ``orders`` are their numbers, joined by "-"."""
    wanted = [int(text) for text in orders.split("-") if text.isdecimal()]
    unit = _unit(request, number)
    mine = control_orders.orders(request.user).filter(meter__in=[one.meter for one in unit.meters])
    return _asked(request, unit, list(mine.filter(pk__in=wanted)))


def _asked(request: ConsoleRequest, unit: Unit, orders: Sequence[ControlOrder]) -> HttpResponse:
    now = request.clock.now()
    waiting = any(order.state in control_orders.OPEN and order.deadline > now for order in orders)
    failed = [order for order in orders if order.state != ControlState.DONE] if not waiting else []
    context: dict[str, Any] = {
        "unit": unit,
        "orders": "-".join(str(order.pk) for order in orders),
        "waiting": waiting,
        "failed": [(order.meter.name if order.meter else "", reason_words(order.reason)) for order in failed],
        "next_key": new_key(),
    }
    response = render(request, "console/units/asked.html", context)
    if not waiting:
        response["HX-Trigger"] = "unit-read"
    return response


def _head(unit: Unit) -> dict[str, Any]:
    return {"unit": unit, "key": new_key()}


def _unit(request: ConsoleRequest, number: str) -> Unit:
    try:
        return unit_of(request.user, number, request.clock.now())
    except Premises.DoesNotExist as error:
        raise Http404(number) from error


def new_key() -> str:
    """A key that makes a form count once."""
    return get_random_string(KEY_LENGTH)
