"""An agreement's own page: who, where, through which meters, what they hold, and every purchase with its proof."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from prewatt.core.errors import Refusal
from prewatt.core.money import Money
from prewatt.office.customers import selectors, services
from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.operators.services import record
from prewatt.office.vending import selectors as vending
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.counter.faces import choose, masked
from prewatt.web.console.counter.sales import purchases_listing, state_filter
from prewatt.web.console.counter.till import address_of
from prewatt.web.console.customers.forms import EditForm
from prewatt.web.console.listing.kit import Days, Empty


@right("customers.view")
@require_GET
def page(request: ConsoleRequest, number: str) -> HttpResponse:
    """The page of an agreement."""
    agreement = _agreement(request, number)
    rows = vending.orders(request.user).filter(agreement=agreement)
    may_see = "vend.view" in request.rights
    listing = purchases_listing(
        request, rows if may_see else rows.none(), title=_("Purchases"), name="purchases",
        without=("unit", "customer"), filters=[state_filter(), Days("at", _("Day"), "at")],
        export_name=f"purchases-{agreement.number}", export_right="estate.export",
        empty=Empty(_("No purchases yet"), "", "receipt-off", *_sell_link(request, agreement)),
    )  # fmt: skip
    return listing.response("console/customers/agreement.html", {**_context(agreement), "purchases": may_see})


@right("customers.view")
@require_GET
def live(request: ConsoleRequest, number: str) -> HttpResponse:
    """The meters of the agreement as they stand now."""
    return render(request, "console/customers/meters_now.html", _context(_agreement(request, number)))


@right("customers.open")
@require_POST
def phone(request: ConsoleRequest, number: str) -> HttpResponse:
    """Show the whole phone number once, and log who looked."""
    agreement = _agreement(request, number)
    record(
        by=request.user, at=request.clock.now(), action="customers.phone.seen", subject=agreement.premises.number,
        summary=agreement.customer.name, address=address_of(request),
    )  # fmt: skip
    return render(request, "console/customers/phone.html", {"agreement": agreement})


@right("customers.open")
@require_http_methods(["GET", "POST"])
def edit(request: ConsoleRequest, number: str) -> HttpResponse:
    """Correct a customer's name or phone; the log keeps what it was."""
    agreement = _agreement(request, number)
    customer = agreement.customer
    form = EditForm(request.POST or None, initial={"name": customer.name, "phone": customer.phone})
    back = reverse("customers:agreement", args=[number])
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_customer(customer=customer, by=request.user, at=request.clock.now(), **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The customer's data are changed."))
            return HttpResponseRedirect(back)
    context = {"agreement": agreement, "form": form, "cancel_href": back}
    return render(request, "console/customers/edit.html", context, status=422 if form.errors else 200)


def _agreement(request: ConsoleRequest, number: str) -> SupplyAgreement:
    found = selectors.agreements(request.user).filter(number=number).first()
    if found is None:
        raise Http404("no such agreement")
    return found


def _context(agreement: SupplyAgreement) -> dict[str, Any]:
    chosen = choose(agreement)
    known = [face.credit for face in chosen.meters if face.credit is not None]
    return {
        "agreement": agreement,
        "chosen": chosen,
        "credit": Money(sum(known)) if known else None,
        "phone": masked(agreement.customer.phone),
        "bindings": {row.meter_id: row for row in selectors.bound_meters(agreement)},
        "former": agreement.meters.filter(unbound_at__isnull=False).select_related("meter"),
    }


def _sell_link(request: ConsoleRequest, agreement: SupplyAgreement) -> tuple[str, str]:
    if "vend.sell" not in request.rights or agreement.closed_at:
        return "", ""
    return f"{reverse('counter:home')}?agreement={agreement.number}", _("Sell")
