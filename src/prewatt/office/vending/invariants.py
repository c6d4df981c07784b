"""The invariants of money (docs/accounting) as queries: each returns what breaks it, one line a finding."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterator

from django.db.models import Count, F, Max, Min, Q, Sum

from prewatt.office.ledger import selectors as ledger
from prewatt.office.ledger.models import AccountKind, Entry
from prewatt.office.vending.models import Counter, CreditOrder, OrderState, Purse, Receipt, ReceiptKind
from prewatt.office.vending.receipts import receipt_number

# where the money of an order is, by its state; a cancelled one's went back
PLACES = {
    OrderState.QUEUED: AccountKind.PENDING,
    OrderState.UNKNOWN: AccountKind.PENDING,
    OrderState.REFUSED: AccountKind.PENDING,
    OrderState.DELIVERED: AccountKind.ON_METER,
    OrderState.QUARANTINE: AccountKind.SUSPENSE,
    OrderState.CANCELLED: None,
}
CHUNK = 2_000


def each_sum_is_zero() -> Iterator[str]:
    """I1: all entries sum to zero, and each transaction does."""
    yield from ledger.check()


def every_fen_is_in_one_place() -> Iterator[str]:
    """I2: what was sold is in exactly one of pending, on-meter, suspense, or was given back; as the state says."""
    held: dict[str, dict[str, int]] = {}
    for (subject, kind), net in ledger.standing().items():
        held.setdefault(subject, {})[kind] = net
    known = set()
    for number, state, fen in CreditOrder.objects.values_list("number", "state", "requested_fen").iterator(CHUNK):
        known.add(number)
        place = PLACES[OrderState(state)]
        wanted = {AccountKind.CASH: -fen, place: fen} if place else {}
        if held.get(number, {}) != wanted:
            yield f"I2 order {number} is {state}, but the ledger holds {held.get(number, {})}"
    serials = set(Purse.objects.values_list("serial", flat=True))
    yield from (f"I2 entries of unknown subject {subject}" for subject in sorted(held.keys() - known - serials))


def purses_hold_what_was_delivered() -> Iterator[str]:
    """I3: per serial, total and count grew by what was delivered since opening, and the ledger says the same."""
    rows = CreditOrder.objects.filter(state=OrderState.DELIVERED).values_list("serial")
    sums = {serial: (count, fen) for serial, count, fen in rows.annotate(c=Count("pk"), s=Sum("armed_fen")).order_by()}
    booked = ledger.by_account(AccountKind.ON_METER, transaction_kinds=("delivery",))
    for purse in Purse.objects.iterator(CHUNK):
        count, fen = sums.pop(purse.serial, (0, 0))
        if booked.pop(purse.serial, 0) != fen:
            yield f"I3 serial {purse.serial}: the ledger's credit on the meter is not what was delivered"
        if purse.proven_count is None or purse.opening_count is None:
            continue
        if purse.proven_count - purse.opening_count != count:
            yield f"I3 serial {purse.serial}: count grew by {purse.proven_count - purse.opening_count}, sold {count}"
        if purse.proven_total is not None and purse.proven_total - (purse.opening_total or 0) != fen:
            grew = purse.proven_total - (purse.opening_total or 0)
            yield f"I3 serial {purse.serial}: total grew by {grew} fen, delivered {fen}"
    yield from (f"I3 serial {serial}: delivered, but it has no purse" for serial in sorted({*sums, *booked}))


def one_order_in_flight() -> Iterator[str]:
    """I4: one order in flight a serial, and no n given twice."""
    flying = CreditOrder.objects.filter(state=OrderState.UNKNOWN).values_list("serial")
    for (serial,) in flying.annotate(c=Count("pk")).filter(c__gt=1).order_by().values_list("serial"):
        yield f"I4 serial {serial}: more than one order in flight"
    taken = CreditOrder.objects.filter(state__in=(OrderState.UNKNOWN, OrderState.DELIVERED, OrderState.QUARANTINE))
    for serial, n, _count in taken.values_list("serial", "n").annotate(c=Count("pk")).filter(c__gt=1).order_by():
        yield f"I4 serial {serial}: n {n} was given twice"


def no_frame_without_attempt() -> Iterator[str]:
    """I5: every permit left an attempt, of the order's n and amount."""
    armed = CreditOrder.objects.filter(n__isnull=False).annotate(
        made=Count("attempts"),
        strange=Count("attempts", filter=~Q(attempts__amount=F("armed_fen"))),
        least=Min("attempts__number"),
        most=Max("attempts__number"),
    )
    for order in armed.iterator(CHUNK):
        sent = order.sends_before + order.sends
        if (order.made, order.least, order.most) != (sent, 1 if sent else None, sent or None) or order.strange:
            yield f"I5 order {order.number}: {sent} permits, {order.made} attempts"
    unarmed = CreditOrder.objects.filter(n__isnull=True, attempts__isnull=False).values_list("number", flat=True)
    yield from (f"I5 order {number}: attempts, but it was never armed" for number in unarmed.distinct())


def nothing_given_back_twice() -> Iterator[str]:
    """I6: what was given back for an order never exceeds what was paid for it."""
    cash = Entry.objects.filter(account__kind=AccountKind.CASH).values_list("transaction__subject")
    for subject, paid, back in cash.annotate(paid=Sum("debit_fen"), back=Sum("credit_fen")).order_by():
        if back > paid:
            yield f"I6 order {subject}: {paid} fen paid, {back} fen given back"


def drawers_hold_the_cash() -> Iterator[str]:
    """I7: each drawer's entries are its counter's orders, and its receipts have no gap."""
    drawers: Tally[str] = Tally()
    living = CreditOrder.objects.exclude(state=OrderState.CANCELLED).values_list("counter__prefix", "method")
    for prefix, method, fen in living.annotate(fen=Sum("requested_fen")).order_by():
        drawers[f"{prefix or ''}/{method}"] += fen
    booked = ledger.by_account(AccountKind.CASH)
    for ref in sorted({*drawers, *booked}):
        if -booked.get(ref, 0) != drawers[ref]:
            yield f"I7 drawer {ref}: orders say {drawers[ref]} fen, entries {-booked.get(ref, 0)} fen"
    for counter in Counter.objects.order_by("prefix"):
        yield from _gaps(counter)


def _gaps(counter: Counter) -> Iterator[str]:
    papers = Receipt.objects.filter(counter=counter, kind=ReceiptKind.MONEY).order_by("number")
    for place, number in enumerate(papers.values_list("number", flat=True).iterator(CHUNK), 1):
        if number != receipt_number(counter, place):
            yield f"I7 counter {counter.prefix}: receipt {receipt_number(counter, place)} is missing"
            return
    if papers.count() != counter.last_receipt:
        yield f"I7 counter {counter.prefix}: {counter.last_receipt} receipts numbered, {papers.count()} kept"


def reports_equal_the_ledger() -> Iterator[str]:
    """I8: totals over orders, by where their money is, equal the balances of those accounts."""
    totals: Tally[str] = Tally()
    for state, fen in CreditOrder.objects.values_list("state").annotate(fen=Sum("requested_fen")).order_by():
        place = PLACES[OrderState(state)]
        if place:
            totals[place] += fen
    balances = {
        AccountKind.PENDING: ledger.balance(AccountKind.PENDING).fen,
        AccountKind.SUSPENSE: ledger.balance(AccountKind.SUSPENSE).fen,
        AccountKind.ON_METER: sum(ledger.by_account(AccountKind.ON_METER, transaction_kinds=("delivery",)).values()),
    }
    for kind, net in balances.items():
        if totals[kind] != net:
            yield f"I8 {kind}: orders say {totals[kind]} fen, the ledger {net} fen"


def proofs_are_kept() -> Iterator[str]:
    """I9, in part: every delivered order has its observation, event and proof of credit."""
    delivered = CreditOrder.objects.filter(state=OrderState.DELIVERED)
    proven = delivered.filter(
        events__to_state=OrderState.DELIVERED, events__observation__isnull=False, receipts__kind=ReceiptKind.PROOF
    )
    for number in delivered.exclude(pk__in=proven.values("pk")).values_list("number", flat=True):
        yield f"I9 order {number}: delivered without proof"


INVARIANTS: dict[str, Callable[[], Iterator[str]]] = {
    "I1": each_sum_is_zero,
    "I2": every_fen_is_in_one_place,
    "I3": purses_hold_what_was_delivered,
    "I4": one_order_in_flight,
    "I5": no_frame_without_attempt,
    "I6": nothing_given_back_twice,
    "I7": drawers_hold_the_cash,
    "I8": reports_equal_the_ledger,
    "I9": proofs_are_kept,
}


def check() -> list[str]:
    """Everything that breaks an invariant; empty when all hold."""
    return [finding for rule in INVARIANTS.values() for finding in rule()]
