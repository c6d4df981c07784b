"""What an observation proves: judged, stored and booked in one transaction. The only way out of UNKNOWN."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction

from prewatt.core.evidence import (
    CONTRADICTION_GAP_S,
    STRANGER_READS,
    STRANGER_SPAN_S,
    Armed,
    Evidence,
    Finding,
    Verdict,
    judge,
    next_read_back,
)
from prewatt.core.money import Money
from prewatt.office.estate import selectors as estate
from prewatt.office.ledger.models import AccountKind
from prewatt.office.ledger.services import post, transfer
from prewatt.office.vending import receipts
from prewatt.office.vending.models import CreditOrder, Observation, OrderState, Purse
from prewatt.office.vending.services import events, purses
from prewatt.office.vending.services.cancel import PATH_WORST_DELAY
from prewatt.office.vending.services.leases import Claim, leased_order

RELATED = ("agreement__customer", "agreement__premises", "counter", "by")
STALE_WITHIN = timedelta(minutes=10)  # older still: the clock was set back, and the evidence is fresh
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Step(StrEnum):
    """What the head-end does next."""

    DONE = "done"
    AGAIN = "again"
    WAIT = "wait"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The office's answer to an observation."""

    step: Step
    wait_until: datetime | None = None
    reason: str = ""


def observe(*, order_id: int, claim: Claim, evidence: Evidence, at: datetime) -> Outcome:
    """Store an observation, decide from it, and book what it proves, all or nothing. Raises LeaseLost."""
    try:
        with transaction.atomic():
            return _observe(leased_order(order_id, claim, related=RELATED), claim, evidence, at)
    except events.Overtaken:
        return Outcome(Step.WAIT, at + timedelta(seconds=CONTRADICTION_GAP_S), "overtaken")


def moment(evidence: Evidence) -> datetime:
    """When the evidence was read, to the microsecond."""
    return EPOCH + timedelta(microseconds=round(evidence.at * 1_000_000))


def fruitless_with(order: CreditOrder, token: int) -> int:
    """Frames that changed nothing, the newest with them when the head-end that got its permit is the one that read.

    One that was killed between permit and read may never have sent: such a permit counts for nothing.
    """
    return order.fruitless + (order.permit_token == token)


def armed_of(order: CreditOrder, token: int = 0) -> Armed:
    """What core needs to know of an armed order, for evidence that the holder of lease ``token`` read."""
    assert order.n is not None
    assert order.base_count is not None
    assert order.armed_fen is not None
    return Armed(
        serial=order.serial,
        n=order.n,
        base_count=order.base_count,
        base_total=order.base_total,
        amount=order.armed_fen,
        sends=fruitless_with(order, token),
        contradictions=order.contradictions,
        contradicted_at=order.contradicted_at.timestamp() if order.contradicted_at else 0.0,
        strangers=order.strangers,
        stranger_since=order.stranger_since.timestamp() if order.stranger_since else 0.0,
        base_remaining=order.base_remaining,
        base_at=order.armed_at.timestamp() if order.armed_at else 0.0,
    )


def store(order: CreditOrder, evidence: Evidence, *, finding: str, reason: str) -> Observation:
    """Keep what a meter showed."""
    return Observation.objects.create(
        meter=order.meter,
        order=order,
        at=moment(evidence),
        serial=evidence.serial or "",
        count=evidence.count,
        total=evidence.total,
        remaining=evidence.remaining,
        records=[asdict(record) for record in evidence.records],
        refused=evidence.refused,
        raw=evidence.raw,
        finding=finding,
        reason=reason,
    )


def _observe(order: CreditOrder, claim: Claim, evidence: Evidence, at: datetime) -> Outcome:
    confirming = order.state == OrderState.REFUSED and order.due_at is not None
    if order.state != OrderState.UNKNOWN and not confirming:
        return Outcome(Step.DONE if order.state == OrderState.DELIVERED else Step.STOP, reason=order.reason)
    verdict = judge(armed_of(order, claim.token), evidence)
    if order.permit_at is not None and timedelta(0) <= order.permit_at - moment(evidence) < STALE_WITHIN:
        verdict = Verdict(Finding.UNSEEN, "stale")  # read before the frame went out: proves nothing about it
    observation = None
    if evidence.raw or evidence.serial or evidence.count is not None:
        observation = store(order, evidence, finding=verdict.finding, reason=verdict.reason)
    case = _Case(order, claim, evidence, at, verdict, observation)
    match verdict.finding:
        case Finding.DELIVERED:
            return _delivered(case)
        case Finding.QUARANTINE:
            return _quarantine(case)
        case Finding.CONTRADICTION:
            return _contradicted(case)
        case Finding.STRANGER:
            return _stranger(case)
        case Finding.UNSEEN:
            return _unseen(case)
    return _confirmed(case) if confirming else _not_applied(case)


@dataclass(frozen=True, slots=True)
class _Case:
    """One observation of one order."""

    order: CreditOrder
    claim: Claim
    evidence: Evidence
    at: datetime
    verdict: Verdict
    observation: Observation | None

    def settle(self, to: OrderState, **values: Any) -> None:
        """Take the order to a state that this observation proves."""
        events.move(
            self.order,
            to,
            at=self.at,
            reason=self.verdict.reason,
            lease_token=self.claim.token,
            observation=self.observation,
            settled_at=self.at,
            **values,
        )

    def wait(self, until: datetime, **values: Any) -> Outcome:
        """Keep the order where it is and look again. A refused one keeps the reason of its refusal."""
        reason = self.order.reason if self.order.state == OrderState.REFUSED else self.verdict.reason
        events.change(self.order, due_at=until, reason=reason, lease_token=self.claim.token, **values)
        return Outcome(Step.WAIT, until, self.verdict.reason)


def _delivered(case: _Case) -> Outcome:
    order, seen = case.order, case.evidence
    assert order.armed_fen is not None
    case.settle(OrderState.DELIVERED, due_at=None)
    _book(case, "delivery", to=(AccountKind.ON_METER, order.serial))
    total = None if order.base_total is None else order.base_total + order.armed_fen
    Purse.objects.filter(serial=order.serial).update(proven_count=order.n, proven_total=total, proven_at=case.at)
    if case.verdict.foreign:
        purses.stop(order.serial, reason="foreign-purchase", at=case.at)
    assert order.n is not None
    receipts.proof_of_credit(
        order=order, site=estate.site(), at=case.at, count=order.n, total=total, remaining=_remaining_after(order, seen)
    ).save(force_insert=True)
    return Outcome(Step.DONE, reason=case.verdict.reason)


def _remaining_after(order: CreditOrder, seen: Evidence) -> int | None:
    """Credit just after the purchase: the meter's own log says it exactly, else what was read."""
    logged = [record.remaining_after for record in seen.records if record.count == order.n]
    return logged[0] if logged else seen.remaining


def _quarantine(case: _Case) -> Outcome:
    order = case.order
    case.settle(OrderState.QUARANTINE, due_at=None)
    _book(case, "quarantine", to=(AccountKind.SUSPENSE, order.number))
    purses.stop(order.serial, reason=case.verdict.reason, at=case.at)
    return Outcome(Step.STOP, reason=case.verdict.reason)


def _book(case: _Case, kind: str, *, to: tuple[AccountKind, str]) -> None:
    order = case.order
    post(
        at=case.at,
        kind=kind,
        subject=order.number,
        by=None,
        lines=transfer(debit=(AccountKind.PENDING, str(order.meter_id)), credit=to, amount=Money(order.armed_fen or 0)),
    )


def _contradicted(case: _Case) -> Outcome:
    order = case.order
    since = order.contradicted_at if order.contradictions else None
    return case.wait(
        case.at + timedelta(seconds=CONTRADICTION_GAP_S),
        contradictions=1,
        contradicted_at=since or moment(case.evidence),
    )


def _stranger(case: _Case) -> Outcome:
    order = case.order
    since = order.stranger_since if order.strangers else None
    pause = STRANGER_SPAN_S / (STRANGER_READS - 1)
    return case.wait(
        case.at + timedelta(seconds=pause), strangers=order.strangers + 1, stranger_since=since or moment(case.evidence)
    )


def _unseen(case: _Case) -> Outcome:
    sent = case.order.permit_at or case.at
    elapsed = max((case.at - sent).total_seconds(), 0.0)
    return case.wait(sent + timedelta(seconds=next_read_back(elapsed)))


def _not_applied(case: _Case) -> Outcome:
    """The meter holds n - 1 unchanged: send the same n again, or give up when it will not take it."""
    order = case.order
    clear = {
        "contradictions": 0,
        "contradicted_at": None,
        "strangers": 0,
        "stranger_since": None,
        "fruitless": fruitless_with(order, case.claim.token),
        "permit_token": None,
    }
    if case.verdict.finding is Finding.REFUSED:
        confirm = case.at + PATH_WORST_DELAY
        case.settle(OrderState.REFUSED, due_at=confirm, **clear)
        return Outcome(Step.STOP, reason=case.verdict.reason)
    soon = case.at + timedelta(seconds=CONTRADICTION_GAP_S)
    events.change(order, due_at=soon, reason=case.verdict.reason, lease_token=case.claim.token, **clear)
    return Outcome(Step.AGAIN, reason=case.verdict.reason)


def _confirmed(case: _Case) -> Outcome:
    """A refused order, read again after the path's worst delay: nothing arrived, so other orders may go on."""
    order = case.order
    last = order.attempts.order_by("-number").values_list("at", flat=True).first()
    if last is not None and moment(case.evidence) < last + PATH_WORST_DELAY:
        return case.wait(last + PATH_WORST_DELAY)
    events.change(order, due_at=None)
    return Outcome(Step.STOP, reason=order.reason)
