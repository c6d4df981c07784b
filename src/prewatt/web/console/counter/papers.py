"""The two papers of a sale: receipt of money and proof of credit, shown and printed in three sizes, copies marked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from prewatt.core.money import Money
from prewatt.office.operators.models import OperationLog
from prewatt.office.operators.services import record
from prewatt.office.vending import selectors as vending
from prewatt.office.vending.models import OrderState, PayMethod, Receipt, ReceiptKind
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.counter.till import address_of

PRINTED = "receipt.print"  # action in the operation log
PRINT_AT_ONCE = "print-at-once"  # session key: number of a paper that prints as soon as it is shown
SIZE = "paper"  # session key: the size this operator printed last
SIZES = {"80": _("80 mm roll"), "a5": _("A5"), "241": _("241 mm, three-part")}


@right("receipt.print")
@require_GET
def receipt(request: ConsoleRequest, number: str) -> HttpResponse:
    """The paper as it will be printed, with the choice of its size."""
    paper = _paper(request, number)
    at_once = request.session.get(PRINT_AT_ONCE) == number
    if at_once:
        del request.session[PRINT_AT_ONCE]
    return render(request, "console/counter/receipt.html", {**_context(request, paper), "at_once": at_once})


@right("receipt.print")
@require_POST
def print_receipt(request: ConsoleRequest, number: str) -> HttpResponse:
    """Release the paper to the printer: first the original, then marked copies. Every print is logged."""
    paper = _paper(request, number)
    context = _context(request, paper)
    record(
        by=request.user, at=request.clock.now(), action=PRINTED, subject=paper.number, summary=paper.order.number,
        data={"size": context["size"], "copy": context["copy"]}, address=address_of(request),
    )  # fmt: skip
    return render(request, "console/counter/slip.html", {**context, "released": True})


def prints(number: str) -> int:
    """How often a paper went to the printer."""
    return OperationLog.objects.filter(action=PRINTED, subject=number).count()


def _paper(request: ConsoleRequest, number: str) -> Receipt:
    orders = vending.orders(request.user)
    paper = Receipt.objects.select_related("order").filter(number=number, order__in=orders).first()
    if paper is None:
        raise Http404("no such paper")
    return paper


def _context(request: ConsoleRequest, paper: Receipt) -> dict[str, Any]:
    size = request.POST.get("size") or request.GET.get("size") or request.session.get(SIZE, "")
    if size not in SIZES:
        size = next(iter(SIZES))
    if request.session.get(SIZE) != size:
        request.session[SIZE] = size
    body = paper.body
    before, after = body.get("remaining_before_fen"), body.get("remaining_after_fen")
    return {
        "paper": paper,
        "body": body,
        "proof": paper.kind == ReceiptKind.PROOF,
        "order": paper.order,
        "size": size,
        "sizes": SIZES.items(),
        "paper_css": f"console/counter/paper-{size}.css",
        "copy": prints(paper.number),
        "void": paper.order.state == OrderState.CANCELLED,
        "method": PayMethod(body["method"]).label if body.get("method") in PayMethod.values else body.get("method", ""),
        "paid_at": _time(body.get("at")),
        "proved_at": _time(body.get("proved_at")),
        "plain_amount": Money(body.get("amount_fen", 0)).plain(),
        "has_remaining": before is not None and after is not None,
        "printed_at": request.clock.now(),
    }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
