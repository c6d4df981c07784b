"""Selling credit: order, pending entries, receipt of money and operation log in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import IntegrityError, connection, transaction

from prewatt.core.money import Money
from prewatt.meters import registry
from prewatt.office.customers.models import AgreementMeter, SupplyAgreement
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import Meter, Site
from prewatt.office.ledger.models import AccountKind
from prewatt.office.ledger.services import post, transfer
from prewatt.office.operators.log import record
from prewatt.office.operators.models import Operator
from prewatt.office.readings.models import MeterState
from prewatt.office.vending import errors, receipts
from prewatt.office.vending.models import Counter, CreditOrder, OrderState, PayMethod
from prewatt.office.vending.services import events

DOUBLE_WITHIN = timedelta(minutes=2)
NEXT_RECEIPT = "UPDATE vending_counter SET last_receipt = last_receipt + 1 WHERE id = %s RETURNING last_receipt"
OPEN_STATES = (OrderState.QUEUED, OrderState.UNKNOWN, OrderState.REFUSED)


@dataclass(frozen=True, slots=True)
class _Sale:
    """What the form says."""

    key: str
    agreement: SupplyAgreement
    meter: Meter
    amount: Money
    method: PayMethod
    counter: Counter
    by: Operator
    at: datetime
    confirmed_duplicate: bool

    @property
    def body_hash(self) -> str:
        """Tells a repeated form from another one that came with the same key."""
        parts = (self.agreement.pk, self.meter.pk, self.amount.fen, self.method, self.counter.pk, self.by.pk)
        return sha256("|".join(map(str, parts)).encode()).hexdigest()


def sell(
    *,
    key: str,
    agreement: SupplyAgreement,
    meter: Meter,
    amount: Money,
    method: str,
    counter: Counter,
    by: Operator,
    at: datetime,
    confirmed_duplicate: bool = False,
) -> CreditOrder:
    """Take money for credit on a meter and queue it for delivery. The same ``key`` and form give the same order.

    Raises Refusal: key-reused, not-supplied, outside-scope, takes-no-credit, unknown-method, amount-limits,
    over-ceiling, looks-double.
    """
    if method not in PayMethod.values:
        raise errors.unknown_method()
    sale = _Sale(key, agreement, meter, amount, PayMethod(method), counter, by, at, confirmed_duplicate)
    try:
        with transaction.atomic():
            return _sell(sale)
    except IntegrityError:
        told = _told_before(sale)  # the same form came twice at once, and the other one won
        if told is None:
            raise
        return told


def _sell(sale: _Sale) -> CreditOrder:
    binding = _lock_binding(sale)
    told = _told_before(sale)
    if told is not None:
        return told
    if binding is None:
        raise errors.not_supplied()
    site = estate.site()
    _check(sale, binding, site)
    number = _next_number(sale.counter)
    order = _order(sale, binding, number)
    order.save(force_insert=True)
    events.first(order, at=sale.at, by=sale.by)
    post(
        at=sale.at,
        kind="sale",
        subject=number,
        by=sale.by,
        lines=transfer(
            debit=(AccountKind.CASH, f"{sale.counter.prefix}/{sale.method}"),
            credit=(AccountKind.PENDING, str(sale.meter.pk)),
            amount=sale.amount,
        ),
    )
    receipts.money_receipt(order=order, site=site, number=number, at=sale.at).save(force_insert=True)
    record(
        by=sale.by,
        at=sale.at,
        action="vend.sell",
        subject=binding.agreement.premises.number,
        summary=f"{number} {sale.amount}",
        data={"order": number, "meter": sale.meter.name, "fen": sale.amount.fen, "method": sale.method},
    )
    return order


def _lock_binding(sale: _Sale) -> AgreementMeter | None:
    """The meter as it serves the agreement, locked: two cashiers at one unit take turns."""
    found = AgreementMeter.objects.select_for_update(of=("self",)).select_related(
        "agreement__customer", "agreement__premises", "meter__state"
    )
    return found.filter(
        agreement=sale.agreement, meter=sale.meter, unbound_at__isnull=True, agreement__closed_at__isnull=True
    ).first()


def _told_before(sale: _Sale) -> CreditOrder | None:
    order = CreditOrder.objects.filter(key=sale.key).first()
    if order is not None and order.body_hash != sale.body_hash:
        raise errors.key_reused()
    return order


def _check(sale: _Sale, binding: AgreementMeter, site: Site) -> None:
    scope = estate.scope_groups(sale.by)
    if scope is not None and binding.agreement.premises.group_id not in scope:
        raise errors.outside_scope()
    profile = registry.get(binding.meter.profile)
    if profile.credit_class != "A" or profile.purse != "money" or profile.identity != "serial":
        raise errors.takes_no_credit()
    least, most = Money(site.sale_min_fen), Money(site.sale_max_fen)
    if not least <= sale.amount <= most:
        raise errors.amount_limits(least, most)
    recent = CreditOrder.objects.filter(meter=sale.meter).exclude(state=OrderState.CANCELLED)
    near = recent.filter(state__in=OPEN_STATES) | recent.filter(at__gte=sale.at - DOUBLE_WITHIN)
    rows = list(near.values_list("number", "state", "requested_fen", "at").order_by("-at"))
    if not sale.confirmed_duplicate:
        for number, _state, fen, at in rows:
            if fen == sale.amount.fen and at >= sale.at - DOUBLE_WITHIN:
                raise errors.looks_double(number)
    held = _held(binding.meter) + Money(sum(fen for _number, state, fen, _at in rows if state in OPEN_STATES))
    room = Money(site.stored_credit_max_fen) - held
    if sale.amount > room:
        raise errors.over_ceiling(max(room, Money(0)))


def _held(meter: Meter) -> Money:
    """Credit the meter was last seen with; nothing when it was never read."""
    try:
        return Money(meter.state.credit or 0)
    except MeterState.DoesNotExist:
        return Money(0)


def _next_number(counter: Counter) -> str:
    """The counter's next number. Its row stays locked until commit, so a rolled-back sale leaves no gap."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_RECEIPT, [counter.pk])
        [number] = cursor.fetchone()
    return receipts.receipt_number(counter, number)


def _order(sale: _Sale, binding: AgreementMeter, number: str) -> CreditOrder:
    return CreditOrder(
        number=number,
        key=sale.key,
        body_hash=sale.body_hash,
        agreement=binding.agreement,
        meter=binding.meter,
        requested_fen=sale.amount.fen,
        method=sale.method,
        counter=sale.counter,
        by=sale.by,
        at=sale.at,
    )
