"""An order in words: where its money is, how it got there, and what happens next. One answer for page and list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from prewatt.core.money import Money
from prewatt.office.vending.models import Attempt, CreditEvent, CreditOrder, Observation, OrderState
from prewatt.office.vending.words import REASONS, reason_text

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Face:
    """How a state of an order shows itself. Its colour is the CSS class ``order--<key>``."""

    key: str
    word: Words
    icon: str
    final: bool = False


FACES: dict[str, Face] = {
    OrderState.QUEUED: Face("queued", gettext_lazy("waits for the line"), "clock-hour-4"),
    OrderState.UNKNOWN: Face("unknown", gettext_lazy("sent, being proven"), "transfer"),
    OrderState.DELIVERED: Face("delivered", gettext_lazy("on the meter, proven"), "circle-check", final=True),
    OrderState.REFUSED: Face("refused", gettext_lazy("refused by the meter"), "ban"),
    OrderState.QUARANTINE: Face("quarantine", gettext_lazy("in quarantine"), "shield-exclamation"),
    OrderState.CANCELLED: Face("cancelled", gettext_lazy("cancelled"), "circle-x", final=True),
}

WHERE: dict[str, Words] = {
    OrderState.QUEUED: gettext_lazy("%(amount)s is paid and waits for the line. Nothing was sent to the meter yet."),
    OrderState.UNKNOWN: gettext_lazy(
        "%(amount)s was sent to the meter. Whether it arrived is being read back from the meter itself."
    ),
    OrderState.DELIVERED: gettext_lazy("%(amount)s is on the meter. The meter's own count and total prove it."),
    OrderState.REFUSED: gettext_lazy(
        "The meter did not take %(amount)s. The money is with us; the meter is unchanged."
    ),
    OrderState.QUARANTINE: gettext_lazy(
        "What the meter shows contradicts this order. %(amount)s is held in suspense, and nothing more is sent."
    ),
    OrderState.CANCELLED: gettext_lazy(
        "The order was cancelled before anything reached the meter. %(amount)s goes back to the customer."
    ),
}

NEXT: dict[str, Words] = {
    OrderState.QUEUED: gettext_lazy(
        "It is sent by itself at the next free moment of the line. You may serve the next customer."
    ),
    OrderState.UNKNOWN: gettext_lazy(
        "The meter is read until its count and total decide. It is never sent twice on a guess."
    ),
    OrderState.DELIVERED: gettext_lazy("Nothing is left to do. The proof of credit can be printed."),
    OrderState.REFUSED: gettext_lazy("Look at the reason, then send it again or cancel it and give the money back."),
    OrderState.QUARANTINE: gettext_lazy(
        "Two persons decide with the evidence below. Do not sell to this meter meanwhile."
    ),
    OrderState.CANCELLED: gettext_lazy("Give the money back against the receipt, if that was not done."),
}

# reasons that tell more than the state does already
WORTH_SAYING = frozenset(REASONS) - {"", "sold", "sending", "cancelled", "count-and-total"}


@dataclass(frozen=True, slots=True)
class Step:
    """A station of the journey. status: done, now, todo or bad."""

    title: Words
    status: str
    icon: str
    at: datetime | None = None
    note: Words = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the meter shows, before and after."""

    title: Words
    before: str
    after: str
    change: str
    proves: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A frame to the meter with its amount, or a read with what remained, in fen."""

    at: datetime
    sent: bool
    words: Words
    fen: int | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything an order's page says in words."""

    face: Face
    where: str
    next: str
    reason: Words
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]


def face_of(state: str) -> Face:
    """Word, icon and colour of a state."""
    return FACES[OrderState(state)]


def story(
    order: CreditOrder,
    *,
    events: Sequence[CreditEvent],
    attempts: Sequence[Attempt],
    observations: Iterable[Observation],
) -> Story:
    """Tell an order from its durable rows only."""
    face = face_of(order.state)
    amount = {"amount": str(Money(order.requested_fen))}
    return Story(
        face=face,
        where=str(WHERE[OrderState(order.state)]) % amount,
        next=str(NEXT[OrderState(order.state)]),
        reason=reason_text(order.reason) if order.reason in WORTH_SAYING else "",
        steps=_steps(order, events, attempts),
        facts=facts(order, proving(order, observations)),
    )


def proving(order: CreditOrder, observations: Iterable[Observation]) -> Observation | None:
    """The read that decided a delivered order; else the newest one that shows what the meter holds."""
    seen = [one for one in observations if one.count is not None]
    if order.state == OrderState.DELIVERED:
        proofs = [one for one in seen if one.finding == "delivered"]
        return proofs[-1] if proofs else None
    after = [one for one in seen if one.finding]  # what was read before the frame has no finding
    return after[-1] if after and order.n is not None else None


def facts(order: CreditOrder, after: Observation | None) -> tuple[Fact, ...]:
    """Count, total and remaining credit before the frame and as read after it. Nothing while nothing was armed."""
    if order.n is None or order.base_count is None:
        return ()
    count, total, remaining = (after.count, after.total, after.remaining) if after else (None, None, None)
    proven = order.state == OrderState.DELIVERED
    return (
        Fact(
            _("Purchase count"), str(order.base_count), _number(count), _difference(order.base_count, count),
            proves=proven,
        ),
        Fact(
            _("Total purchased"), _yuan(order.base_total), _yuan(total), _gain(order.base_total, total),
            proves=proven and total is not None,
        ),
        Fact(
            _("Remaining credit"), _yuan(order.base_remaining), _yuan(remaining),
            _gain(order.base_remaining, remaining),
        ),
    )  # fmt: skip


def _steps(order: CreditOrder, events: Sequence[CreditEvent], attempts: Sequence[Attempt]) -> tuple[Step, ...]:
    entered: dict[str, datetime] = {event.to_state: event.at for event in events}
    state = OrderState(order.state)
    paid = Step(_("Paid"), "done", "cash", order.at, _("receipt of money"))
    waits = Step(_("Waits for the line"), "now" if state == OrderState.QUEUED else "done", "clock-hour-4", order.at)
    sent_at = attempts[0].at if attempts else None
    sent = Step(
        _("Sent to the meter"),
        "now" if state == OrderState.UNKNOWN else ("done" if attempts else "todo"),
        "transfer",
        sent_at,
        _("%(n)d times") % {"n": len(attempts)} if len(attempts) > 1 else "",
    )
    if state == OrderState.CANCELLED:
        ends = Step(_("Cancelled"), "bad", "circle-x", entered.get(state))
        return (paid, *((sent,) if attempts else ()), ends)
    if state in {OrderState.REFUSED, OrderState.QUARANTINE}:
        return (paid, waits, sent, Step(FACES[state].word, "bad", FACES[state].icon, entered.get(state)))
    proven = Step(
        _("Proven on the meter"),
        "done" if state == OrderState.DELIVERED else "todo",
        "circle-check",
        entered.get(OrderState.DELIVERED),
        _("proof of credit") if state == OrderState.DELIVERED else "",
    )
    return (paid, waits, sent, proven)


def _number(value: int | None) -> str:
    return "—" if value is None else str(value)


def _yuan(fen: int | None) -> str:
    return "—" if fen is None else str(Money(fen))


def _difference(before: int | None, after: int | None) -> str:
    return "" if before is None or after is None else f"{after - before:+d}"


def _gain(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return ""
    return f"{'+' if after >= before else ''}{Money(after - before)}"


def exchanges(attempts: Iterable[Attempt], observations: Iterable[Observation]) -> list[Exchange]:
    """Frames sent and reads of the meter in the order they happened; a read comes before what was sent upon it."""
    sent = [
        Exchange(
            one.at, True, _("Sending %(number)s of purchase %(n)s") % {"number": one.number, "n": one.n}, one.amount
        )
        for one in attempts
    ]
    read = [Exchange(one.at, False, observation_words(one), one.remaining) for one in observations]
    return sorted([*read, *sent], key=lambda one: (one.at, one.sent))


def event_words(event: CreditEvent) -> dict[str, Any]:
    """A change of state for the history of an order."""
    return {"at": event.at, "face": face_of(event.to_state), "by": event.by, "reason": reason_text(event.reason)}


FINDINGS: dict[str, Words] = {
    "delivered": gettext_lazy("read back: the credit is on the meter"),
    "not-applied": gettext_lazy("read back: not on the meter, nothing changed"),
    "refused": gettext_lazy("the meter answered with a refusal"),
    "contradiction": gettext_lazy("read back: does not fit this order, will be read again"),
    "stranger": gettext_lazy("another meter answered at this address"),
    "quarantine": gettext_lazy("read again: does not fit this order"),
    "unseen": gettext_lazy("the meter did not answer"),
}


def observation_words(seen: Observation) -> Words:
    """What one read of the meter showed: the finding, or that it was read before sending."""
    return FINDINGS.get(seen.finding, gettext_lazy("read before sending"))
