"""Opening a unit's supply (开户): the form, and the meters of the unit whose number is being typed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from prewatt.core.errors import Refusal
from prewatt.office.customers import selectors, services
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.customers.forms import OpenForm
from prewatt.web.console.listing import once

SUGGESTED = 400  # units offered while typing


@right("customers.open")
@require_http_methods(["GET", "POST"])
def open_supply(request: ConsoleRequest) -> HttpResponse:
    """Open a supply. What was typed stays when the office refuses it; a second click leads to the same agreement."""
    if request.method == "GET":
        unit = request.GET.get("unit", "").strip()[:40]
        return _page(request, OpenForm(request.user, unit=unit, initial={"premises": unit}))
    before = once.went_to(request)
    if before:
        return HttpResponseRedirect(before)
    form = OpenForm(request.user, request.POST, unit=request.POST.get("premises", ""))
    if not form.is_valid():
        return _page(request, form)
    try:
        agreement = services.open_supply(
            premises=form.cleaned_data["premises"],
            name=form.cleaned_data["name"],
            phone=form.cleaned_data["phone"],
            meters=form.chosen_meters(),
            opening_credit=form.cleaned_data["opening_credit"],
            opening_energy_wh=form.cleaned_data["opening_energy_wh"],
            by=request.user,
            at=request.clock.now(),
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(request, form)
    messages.success(request, _("The supply is open. Credit can be sold now."))
    return HttpResponseRedirect(once.remember(request, reverse("customers:agreement", args=[agreement.number])))


@right("customers.open")
@require_GET
def meters(request: ConsoleRequest) -> HttpResponse:
    """The meters of the unit whose number is being typed."""
    form = OpenForm(request.user, unit=request.GET.get("premises", ""))
    return render(request, "console/customers/meters.html", {"form": form, "typed": request.GET.get("premises", "")})


def _page(request: ConsoleRequest, form: OpenForm) -> HttpResponse:
    free = selectors.free_premises(request.user).order_by("number").values_list("number", "name")
    context = {
        "form": form,
        "typed": form["premises"].value() or "",
        "free": list(free[:SUGGESTED]),
        "cancel_href": reverse("customers:list"),
    }
    return render(request, "console/customers/open.html", context, status=422 if form.errors else 200)
