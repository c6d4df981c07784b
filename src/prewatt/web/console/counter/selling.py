"""Carrying out a sale: the form is judged, the office sells, and the page that tells where the money is follows."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from prewatt.core.errors import Refusal
from prewatt.core.money import Money
from prewatt.office.vending import selectors as vending
from prewatt.office.vending.models import CreditOrder, ReceiptKind
from prewatt.office.vending.services.sell import sell as sell_credit
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.base.wake import wake
from prewatt.web.console.counter.desk import chosen_of, page
from prewatt.web.console.counter.faces import Chosen, MeterFace, quote
from prewatt.web.console.counter.form import SaleForm, new_key
from prewatt.web.console.counter.papers import PRINT_AT_ONCE
from prewatt.web.console.counter.till import SLIP, site_of, till_of
from prewatt.web.console.listing.forms import words


@right("vend.sell")
def sell(request: ConsoleRequest) -> HttpResponse:
    """Sell. The same form sent twice leads to the same order; what looks like a mistaken second sale is asked about.

    Opened without a form, as by reloading or by signing in again, it leads back to the desk.
    """
    if request.method != "POST":
        return HttpResponseRedirect(reverse("counter:home"))
    chosen = chosen_of(request, request.POST)
    if chosen is None:
        raise Http404("no customer was chosen")
    form = SaleForm(request.POST, chosen=chosen, site=site_of(request))
    till = till_of(request)
    if till is None:
        form.add_error(None, _("There is no till yet. Ask an administrator to set one up."))
    if not form.is_valid() or till is None:
        return page(request, chosen, form, status=422)
    try:
        order = sell_credit(
            key=form.cleaned_data["key"],
            agreement=chosen.agreement,
            meter=form.cleaned_data["meter"].meter,
            amount=Money(form.cleaned_data["amount"]),
            method=form.cleaned_data["method"],
            counter=till,
            by=request.user,
            at=request.clock.now(),
            confirmed_duplicate=form.cleaned_data["confirmed"],
        )
    except Refusal as refusal:
        return _refused(request, chosen, form, refusal)
    wake()
    return _sold(request, form, order)


def _sold(request: ConsoleRequest, form: SaleForm, order: CreditOrder) -> HttpResponse:
    wants_slip = bool(form.cleaned_data["slip"]) and "receipt.print" in request.rights
    request.session[SLIP] = bool(form.cleaned_data["slip"])
    paper = order.receipts.filter(kind=ReceiptKind.MONEY).first() if wants_slip else None
    if paper is not None:
        request.session[PRINT_AT_ONCE] = paper.number
        return HttpResponseRedirect(reverse("counter:receipt", args=[paper.number]))
    return HttpResponseRedirect(reverse("counter:order", args=[order.number]))


def _refused(request: ConsoleRequest, chosen: Chosen, form: SaleForm, refusal: Refusal) -> HttpResponse:
    if refusal.code == "looks-double":
        return _ask(request, chosen, form, refusal)
    if refusal.code == "key-reused":  # the key belongs to the sale that was made; what was typed now is another one
        typed = request.POST.copy()
        typed["key"] = new_key()
        form.data = typed
    form.add_error("amount" if refusal.code in {"amount-limits", "over-ceiling"} else None, words(refusal))
    return page(request, chosen, form, status=422)


def _ask(request: ConsoleRequest, chosen: Chosen, form: SaleForm, refusal: Refusal) -> HttpResponse:
    face: MeterFace = form.cleaned_data["meter"]
    context: dict[str, Any] = {
        "chosen": chosen,
        "face": face,
        "form": form,
        "data": form.cleaned_data,
        "typed": form["amount"].value(),
        "quote": quote(face, Money(form.cleaned_data["amount"]), site_of(request)),
        "refusal": words(refusal),
        "earlier": vending.orders(request.user).filter(number=refusal.params.get("number", "")).first(),
        "till": till_of(request),
    }
    return render(request, "console/counter/ask.html", context, status=409)
