"""The selling page: search, the chosen customer's card, the amount with what it will do. Made for the keyboard."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from prewatt.core.money import Money
from prewatt.office.customers import selectors as customers
from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.vending.models import PayMethod
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.counter.faces import Chosen, all_chosen, choose
from prewatt.web.console.counter.faces import quote as quoted
from prewatt.web.console.counter.form import METHOD_ICONS, QUICK_YUAN, SaleForm, amount_only, new_key
from prewatt.web.console.counter.sales import day_so_far
from prewatt.web.console.counter.till import SLIP, TILL, site_of, till_of, tills

MAX_FOUND = 12


@right("vend.sell", "vend.view")
@require_GET
def home(request: ConsoleRequest) -> HttpResponse:
    """The counter. ``?agreement=`` or ``?unit=`` chooses a customer; ``?q=`` chooses him when only one is found."""
    found: list[Chosen] = []
    words = request.GET.get("q", "").strip()[:100]
    if words:
        found = _found(request, words)
        if len(found) == 1:
            return HttpResponseRedirect(f"{reverse('counter:home')}?{_query(found[0].agreement)}")
    chosen = chosen_of(request, request.GET)
    return page(request, chosen, None, words=words, found=found)


@right("vend.sell")
@require_GET
def find(request: ConsoleRequest) -> HttpResponse:
    """Customers that match what is typed: unit number, name, pinyin initials, phone, meter number."""
    words = request.GET.get("q", "").strip()[:100]
    return render(request, "console/counter/found.html", {"words": words, "found": _found(request, words)})


@right("vend.sell")
@require_GET
def desk(request: ConsoleRequest) -> HttpResponse:
    """The card and form of one customer, to be put into the page."""
    return render(request, "console/counter/desk.html", _desk(request, chosen_of(request, request.GET), None))


@right("vend.sell")
@require_GET
def figures(request: ConsoleRequest) -> HttpResponse:
    """What the chosen meter holds now: the card stays true while the customer looks for his purse."""
    chosen = chosen_of(request, request.GET)
    if chosen is None or chosen.face is None:
        raise Http404
    return render(request, "console/counter/figures.html", {"chosen": chosen})


@right("vend.sell")
@require_GET
def quote(request: ConsoleRequest) -> HttpResponse:
    """What the amount being typed would do."""
    chosen = chosen_of(request, request.GET)
    if chosen is None:
        raise Http404
    return render(request, "console/counter/quote.html", _quote(request, chosen, request.GET.get("amount", "")))


@right("vend.sell")
@require_POST
def till(request: ConsoleRequest) -> HttpResponse:
    """Work at another till from now on, in this session."""
    wanted = request.POST.get("till", "")
    if any(str(one.pk) == wanted for one in tills()):
        request.session[TILL] = int(wanted)
    return HttpResponseRedirect(reverse("counter:home"))


def page(
    request: ConsoleRequest, chosen: Chosen | None, form: SaleForm | None, *, status: int = 200, **more: Any
) -> HttpResponse:
    """The whole page, with a form that may carry errors and what was typed."""
    context = {
        **_desk(request, chosen, form),
        **day_so_far(request),
        "till": till_of(request),
        "tills": tills(),
        **more,
    }
    return render(request, "console/counter/home.html", context, status=status)


def chosen_of(request: ConsoleRequest, query: QueryDict) -> Chosen | None:
    """The customer an address or a form names. Raises Http404 for one the operator may not see."""
    number, unit = query.get("agreement", ""), query.get("unit", "")
    if not number and not unit:
        return None
    visible = customers.agreements(request.user).filter(closed_at__isnull=True)
    agreement = visible.filter(number=number).first() if number else visible.filter(premises__number=unit).first()
    if agreement is None:
        raise Http404("no such customer")
    meter = query.get("meter", "")
    return choose(agreement, int(meter) if meter.isdecimal() and len(meter) < 19 else None)


def _desk(request: ConsoleRequest, chosen: Chosen | None, form: SaleForm | None) -> dict[str, Any]:
    if chosen is None:
        return {"chosen": None}
    kept = request.GET.get("amount", "")[:20]  # what was typed before another meter was chosen
    shown = form or SaleForm(chosen=chosen, site=site_of(request), initial={"key": new_key(), "amount": kept})
    typed = shown["amount"].value()
    return {
        "chosen": chosen,
        "form": shown,
        "key": shown["key"].value() or new_key(),
        "typed": typed or "",
        "method": shown["method"].value() or PayMethod.CASH,
        "methods": [(value, words, METHOD_ICONS[PayMethod(value)]) for value, words in PayMethod.choices],
        "quick": QUICK_YUAN,
        "slip": request.session.get(SLIP, False),
        **_quote(request, chosen, str(typed or "")),
        **({"problem": "", "quote": None} if "amount" in shown.errors else {}),  # the field says it already
    }


def _quote(request: ConsoleRequest, chosen: Chosen, typed: str) -> dict[str, Any]:
    fen, problem = amount_only(typed, site_of(request)) if typed.strip() else (None, "")
    if fen is None or chosen.face is None:
        return {"quote": None, "problem": problem, "limits": site_of(request)}
    return {"quote": quoted(chosen.face, Money(fen), site_of(request)), "problem": problem, "chosen": chosen}


def _found(request: ConsoleRequest, words: str) -> list[Chosen]:
    if not words or "vend.sell" not in request.rights:
        return []
    return all_chosen(list(customers.find(request.user, words)[:MAX_FOUND]))


def _query(agreement: SupplyAgreement) -> str:
    query = QueryDict(mutable=True)
    query["agreement"] = agreement.number
    return query.urlencode()
