"""The two papers of a sale: the receipt of money (收款收据) when paid, the proof of credit (到账凭证) when proven.

A body holds exactly what was printed, so that a copy years later is the same paper. Keys of both: ``number order at
site company hotline customer phone unit meter serial amount_fen amount amount_in_words method counter cashier``; the
proof has ``proved_at n count_before count_after remaining_before_fen remaining_after_fen total_before_fen
total_after_fen`` besides. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prewatt.core.money import Money
from prewatt.office.estate.models import Site
from prewatt.office.vending.models import Counter, CreditOrder, Receipt, ReceiptKind

DIGITS = 8


def receipt_number(counter: Counter, number: int) -> str:
    """Number of a counter's paper: its prefix and a running number without gaps."""
    return f"{counter.prefix}-{number:0{DIGITS}d}"


def proof_number(order: CreditOrder) -> str:
    """Number of the proof of credit: an order has one."""
    return f"{order.number}-P"


def money_receipt(*, order: CreditOrder, site: Site, number: str, at: datetime) -> Receipt:
    """The receipt of money, not yet stored."""
    body = _common(order, site) | {"number": number, "at": at.isoformat()}
    return Receipt(kind=ReceiptKind.MONEY, number=number, order=order, counter=order.counter, at=at, body=body)


def proof_of_credit(
    *, order: CreditOrder, site: Site, at: datetime, count: int, total: int | None, remaining: int | None
) -> Receipt:
    """The proof of credit, not yet stored: what the meter held before and after, as read from it."""
    number = proof_number(order)
    body = _common(order, site) | {
        "number": number,
        "at": order.at.isoformat(),
        "proved_at": at.isoformat(),
        "n": order.n,
        "count_before": order.base_count,
        "count_after": count,
        "remaining_before_fen": order.base_remaining,
        "remaining_after_fen": remaining,
        "total_before_fen": order.base_total,
        "total_after_fen": total,
    }
    return Receipt(kind=ReceiptKind.PROOF, number=number, order=order, counter=order.counter, at=at, body=body)


def _common(order: CreditOrder, site: Site) -> dict[str, Any]:
    amount = Money(order.requested_fen)
    agreement = order.agreement
    return {
        "order": order.number,
        "site": site.name,
        "company": site.company,
        "hotline": site.hotline,
        "customer": agreement.customer.name,
        "phone": agreement.customer.phone,
        "unit": agreement.premises.number,
        "meter": order.meter.name,
        "serial": order.serial or order.meter.serial,
        "amount_fen": amount.fen,
        "amount": str(amount),
        "amount_in_words": amount.in_words(),
        "method": order.method,
        "counter": order.counter.name if order.counter else "",
        "cashier": order.by.name if order.by else "",
    }
