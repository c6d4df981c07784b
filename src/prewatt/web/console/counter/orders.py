"""An order's own page: who asked, where the money is, each attempt, the meter's evidence, what happens next. Live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from prewatt.core.errors import Refusal
from prewatt.core.money import Money
from prewatt.office.vending import selectors as vending
from prewatt.office.vending.models import CreditOrder, OrderState, ReceiptKind
from prewatt.office.vending.services.again import again as send_again
from prewatt.office.vending.services.cancel import cancel_queued
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.base.wake import wake
from prewatt.web.console.counter.faces import face_of
from prewatt.web.console.counter.papers import prints
from prewatt.web.console.counter.story import event_words, exchanges, story
from prewatt.web.console.listing.forms import words

STOP_POLLING = 286  # htmx: put the answer in place and ask no more


@right("vend.view")
@require_GET
def order(request: ConsoleRequest, number: str) -> HttpResponse:
    """The page of an order."""
    return render(request, "console/counter/order.html", _context(request, _order(request, number)))


@right("vend.view")
@require_GET
def live(request: ConsoleRequest, number: str) -> HttpResponse:
    """The part of the page that changes, until the order is final."""
    context = _context(request, _order(request, number))
    return render(
        request, "console/counter/order_live.html", context, status=STOP_POLLING if context["story"].face.final else 200
    )


@right("vend.sell")
@require_http_methods(["GET", "POST"])
def cancel(request: ConsoleRequest, number: str) -> HttpResponse:
    """Cancel an order that has not gone to the meter. Asks first, with who and what."""
    found = _order(request, number)
    if request.method == "GET":
        return render(request, "console/counter/cancel.html", _context(request, found))
    return _act(request, found, cancel_queued, _("The order is cancelled. Give the money back against the receipt."))


@right("vend.sell")
@require_POST
def again(request: ConsoleRequest, number: str) -> HttpResponse:
    """Send an order again that the meter refused."""
    return _act(request, _order(request, number), send_again, _("The order waits for the line again."))


def _act(request: ConsoleRequest, found: CreditOrder, act: Callable[..., Any], done: str) -> HttpResponse:
    try:
        act(order=found, by=request.user, at=request.clock.now())
    except Refusal as refusal:
        messages.error(request, words(refusal))
    else:
        wake()
        messages.success(request, done)
    return HttpResponseRedirect(reverse("counter:order", args=[found.number]))


def _order(request: ConsoleRequest, number: str) -> CreditOrder:
    found = vending.orders(request.user).filter(number=number).first()
    if found is None:
        raise Http404("no such order")
    return found


def _context(request: ConsoleRequest, order: CreditOrder) -> dict[str, Any]:
    events = list(order.events.select_related("by").order_by("seq"))
    attempts = list(order.attempts.order_by("pk"))
    observations = list(order.observations.order_by("pk"))
    papers = vending.papers(order)
    money = papers.get(ReceiptKind.MONEY)
    return {
        "order": order,
        "amount": Money(order.requested_fen),
        "story": story(order, events=events, attempts=attempts, observations=observations),
        "face": face_of(order.meter),
        "exchanges": exchanges(attempts, observations),
        "events": [event_words(event) for event in events],
        "money": money,
        "money_prints": prints(money.number) if money else 0,
        "proof": papers.get(ReceiptKind.PROOF),
        "can_cancel": order.state in {OrderState.QUEUED, OrderState.REFUSED} and "vend.sell" in request.rights,
        "can_again": order.state == OrderState.REFUSED and "vend.sell" in request.rights,
        "pace": 2 if order.state in {OrderState.QUEUED, OrderState.UNKNOWN} else 10,
    }
