"""The ten permanent mutants of docs/accounting: each takes one rule of the design away. The storm must notice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any
from unittest import mock

from tests.storm.arena import Arena

Patches = list[tuple[Any, str, Any]]


@contextmanager
def mutant(name: str | None, arena: Arena) -> Iterator[None]:
    """Run what is inside with that mutant in the place of the real code; None: the real code."""
    if name is None:
        yield
        return
    with ExitStack() as stack:
        for owner, attribute, changed in MUTANTS[name]():
            stack.enter_context(mock.patch.object(owner, attribute, changed))
        arena.after_reset = UNGUARDED.get(name, ())
        try:
            yield
        finally:
            arena.after_reset = ()


def count_plus_one() -> Patches:
    """A time-out is answered with another frame of the next number."""
    from prewatt.field.headend.credit import QUIET_AFTER_MONEY_S, Journey

    async def send(self: Any, hold: Any, permit: Any) -> Any:
        for n in (permit.n, permit.n + 1):
            question = self._frame(replace(permit, n=n))
            reply = await self._line.ask_held(hold, self._meter, question)
            if reply.answered:
                break
            hold.rest(QUIET_AFTER_MONEY_S)
        return await self._evidence(hold)

    return [(Journey, "_send", send)]


def timeout_refund() -> Patches:
    """A meter that stays silent after the frame means that the money goes back."""
    from prewatt.core.money import Money
    from prewatt.office.ledger.models import AccountKind
    from prewatt.office.ledger.services import post, transfer
    from prewatt.office.vending.models import OrderState
    from prewatt.office.vending.services import events, observing

    def unseen(case: Any) -> Any:
        order = case.order
        case.settle(OrderState.CANCELLED, due_at=None)
        back = (AccountKind.CASH, f"{order.counter.prefix}/{order.method}")
        lines = transfer(
            debit=(AccountKind.PENDING, str(order.meter_id)), credit=back, amount=Money(order.requested_fen)
        )
        post(at=case.at, kind="cancel", subject=order.number, by=None, lines=lines)
        return observing.Outcome(observing.Step.STOP, reason="refunded")

    leave = {**events.TRANSITIONS, OrderState.UNKNOWN: frozenset(OrderState)}
    return [(observing, "_unseen", unseen), (events, "TRANSITIONS", leave)]


def n_not_stored() -> Patches:
    """Number and attempt are only remembered, and written down with the first observation."""
    from django.db import transaction

    from prewatt.office.vending.services import delivery

    arm, observe = delivery.arm, delivery.observe
    remembered: dict[tuple[int, int], dict[str, Any]] = {}  # goes with the head-end: its token is part of the key

    def arm_in_memory(**given: Any) -> Any:
        with transaction.atomic():
            told = arm(**given)
            if isinstance(told, delivery.Grant):
                remembered[given["order_id"], given["claim"].token] = given
                transaction.set_rollback(True)
        return told

    def observe_late(**given: Any) -> Any:
        armed = remembered.pop((given["order_id"], given["claim"].token), None)
        if armed is not None:
            arm(**armed)
        return observe(**given)

    return [(delivery, "arm", arm_in_memory), (delivery, "observe", observe_late)]


def no_key() -> Patches:
    """The same form makes another order."""
    # the package gives the function of that name
    sell = import_module("prewatt.office.vending.services.sell")
    make = sell._order

    def order_of(sale: Any, binding: Any, number: str) -> Any:
        return make(replace(sale, key=f"{sale.key}-{number}"), binding, number)

    return [(sell, "_told_before", lambda _sale: None), (sell, "_order", order_of)]


def stale_frame() -> Patches:
    """A permit is used however old it is, and whoever has the lease by then."""
    from prewatt.field.headend.credit import Journey

    return [(Journey, "_allowed", lambda _self, *_permit: True)]


def no_one_in_flight() -> Patches:
    """A second order of a meter goes out while the first one is being proven."""
    from prewatt.office.vending.models import OrderState
    from prewatt.office.vending.services import arming, delivery, purses, queue

    def due(*, claims: Any, at: Any) -> Any:
        gateways = [one.gateway_id for one in queue.current(claims, at=at)]
        rows = queue._open().filter(meter__line__gateway__in=gateways).order_by("at", "pk")
        return [
            queue.Task(order.pk, order.meter_id, order.state != OrderState.QUEUED, order.due_at or at)
            for order in rows
            if order.due_at is None or order.due_at <= at
        ]

    def fit(order: Any, evidence: Any, at: Any) -> Any:
        arming._complete(order, evidence)
        purse = arming._purse(order, evidence, at)
        if order.n is None and not purses.agrees(purse, evidence):
            arming._disagreement(order, purse, evidence, at)
        return purse

    return [(delivery, "due", due), (arming, "_fit", fit)]


def no_compare_and_set() -> Patches:
    """An order is changed whatever became of it since it was read."""
    from prewatt.office.vending.models import CreditOrder
    from prewatt.office.vending.services import events

    def change(order: Any, **values: Any) -> None:
        if "events_made" in values:  # or the number of the event would tell
            values["events_made"] = CreditOrder.objects.get(pk=order.pk).events_made + 1
        CreditOrder.objects.filter(pk=order.pk).update(**values)
        for name, value in values.items():
            setattr(order, name, value)

    return [(events, "change", change)]


def trust_the_ack() -> Patches:
    """The meter's acknowledgement counts as proof; nothing is read back."""
    from prewatt.field.headend.credit import Journey

    read, send = Journey._evidence, Journey._send
    shown: dict[int, Any] = {}

    async def evidence(self: Any, hold: Any, **given: Any) -> Any:
        seen = await read(self, hold, **given)
        shown[id(self)] = seen
        return seen

    async def trusting(self: Any, hold: Any, permit: Any) -> Any:
        before = shown[id(self)]
        question = self._frame(permit)
        reply = await self._line.ask_held(hold, self._meter, question)
        if reply.outcome.value != "answer":
            return await read(self, hold)
        await asyncio.sleep(0.01)
        at = self._time.at_ms(self._time.now()) / 1000
        return replace(before, count=permit.n, total=before.total + permit.amount, at=at)

    del send
    return [(Journey, "_evidence", evidence), (Journey, "_send", trusting)]


def no_serial_check() -> Patches:
    """Whatever meter answers at the address counts as ours."""
    from prewatt.core.evidence import judge
    from prewatt.office.vending.models import Purse
    from prewatt.office.vending.services import arming, observing, purses

    def careless(armed: Any, seen: Any) -> Any:
        return judge(armed, replace(seen, serial=armed.serial) if seen.serial else seen)

    def purse_of(order: Any, evidence: Any, at: Any) -> Any:
        known = Purse.objects.filter(meter=order.meter).first()
        return known or purses.open_purse(meter=order.meter, evidence=evidence, at=at)

    return [(observing, "judge", careless), (arming, "judge", careless), (arming, "_purse", purse_of)]


def one_read() -> Patches:
    """The first contradiction is quarantine."""
    from prewatt.core import evidence

    def at_once(_armed: Any, _seen: Any, reason: str) -> Any:
        return evidence.Verdict(evidence.Finding.QUARANTINE, reason)

    return [(evidence, "_contradiction", at_once)]


MUTANTS: dict[str, Callable[[], Patches]] = {
    "time-out, count + 1": count_plus_one,
    "time-out, refund": timeout_refund,
    "n not stored first": n_not_stored,
    "no key on a form": no_key,
    "stale frame accepted": stale_frame,
    "no one-in-flight rule": no_one_in_flight,
    "no compare-and-set": no_compare_and_set,
    "trusting the ack": trust_the_ack,
    "no serial check": no_serial_check,
    "one read for quarantine": one_read,
}
# what the database itself would refuse is taken away with the rule
UNGUARDED: dict[str, tuple[str, ...]] = {
    "no one-in-flight rule": ("DROP INDEX one_order_in_flight_a_serial", "DROP INDEX n_once_a_serial"),
}
