"""Leave to send: n, base and attempt are committed before the first byte of a frame. Nothing else gives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from prewatt.core.evidence import (
    CONTRADICTION_GAP_S,
    COUNT_MAX,
    MAX_SENDS,
    READ_BACK_S,
    STRANGER_SPAN_S,
    Evidence,
    Finding,
    judge,
)
from prewatt.meters import registry
from prewatt.office.vending.models import Attempt, CreditOrder, Observation, OrderState, Purse
from prewatt.office.vending.services import events, purses
from prewatt.office.vending.services.leases import Claim, in_force, leased_order
from prewatt.office.vending.services.observing import armed_of, moment, store

SILENT_RETRY = timedelta(seconds=15)
BUSY_RETRY = timedelta(seconds=2)
STOPPED_RETRY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to send one frame."""

    order_id: int
    meter_id: int
    attempt: int
    serial: str
    n: int
    amount: int
    token: int


@dataclass(frozen=True, slots=True)
class NoGrant:
    """Why there is none, and when to come back (None: not by itself)."""

    order_id: int
    reason: str
    retry_at: datetime | None = None


class _Unfit(Exception):
    """This evidence arms nothing: the reason, and how long to wait."""

    def __init__(self, reason: str, wait: timedelta) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


def arm(*, order_id: int, claim: Claim, evidence: Evidence, at: datetime) -> Grant | NoGrant:
    """Commit n, base and attempt 1 of an order that waits. Raises LeaseLost.

    The pre-read must be complete and agree with the ledger; the first one of a serial opens its purse.
    """
    try:
        with transaction.atomic():
            return _arm(leased_order(order_id, claim), claim, evidence, at)
    except (events.Overtaken, IntegrityError):
        return NoGrant(order_id, "overtaken", at + BUSY_RETRY)


def retry(*, order_id: int, claim: Claim, evidence: Evidence, at: datetime) -> Grant | NoGrant:
    """Commit one more attempt of the same n, on the newest observation when it proves that nothing was applied.

    Raises LeaseLost.
    """
    try:
        with transaction.atomic():
            return _retry(leased_order(order_id, claim), claim, evidence, at)
    except events.Overtaken:
        return NoGrant(order_id, "overtaken", at + BUSY_RETRY)


def _arm(order: CreditOrder, claim: Claim, evidence: Evidence, at: datetime) -> Grant | NoGrant:
    in_force(order, at=at)
    if order.state != OrderState.QUEUED:
        return NoGrant(order.pk, "not-queued")
    if getattr(order, "on_battery", False):
        return NoGrant(order.pk, "on-battery", at + SILENT_RETRY)
    try:
        purse = _fit(order, evidence, at)
    except _Unfit as unfit:
        return _wait(order, unfit, evidence, at)
    if order.n is not None and not purses.agrees(purse, evidence):
        return _seen_after_all(order, purse, claim, evidence, at)
    observation = store(order, evidence, finding="", reason="pre-read")
    assert evidence.count is not None
    events.move(
        order,
        OrderState.UNKNOWN,
        at=at,
        reason="sending",
        lease_token=claim.token,
        observation=observation,
        serial=purse.serial,
        n=evidence.count + 1,
        base_count=evidence.count,
        base_total=evidence.total,
        base_remaining=evidence.remaining,
        armed_fen=order.requested_fen,
        armed_at=at,
        sends=1,
        fruitless=0,
        **_cleared(claim, evidence, at),
    )
    return _attempt(order, claim, at)


def _retry(order: CreditOrder, claim: Claim, evidence: Evidence, at: datetime) -> Grant | NoGrant:
    in_force(order, at=at)
    if order.state != OrderState.UNKNOWN:
        return NoGrant(order.pk, "not-unknown")
    newest = Observation.objects.filter(order=order).order_by("-pk").values_list("at", "finding").first()
    if newest != (moment(evidence), Finding.NOT_APPLIED):
        return NoGrant(order.pk, "not-observed", at + BUSY_RETRY)
    if judge(armed_of(order), evidence).finding is not Finding.NOT_APPLIED or order.fruitless >= MAX_SENDS:
        return NoGrant(order.pk, "not-proven", at + BUSY_RETRY)
    events.change(
        order, sends=order.sends + 1, reason="sending-again", lease_token=claim.token, **_cleared(claim, evidence, at)
    )
    return _attempt(order, claim, at)


def _cleared(claim: Claim, evidence: Evidence, at: datetime) -> dict[str, Any]:
    """What every permit resets: the next evidence is judged on its own, and must be newer than this one."""
    return {
        "permit_at": moment(evidence),
        "permit_token": claim.token,
        "due_at": at + timedelta(seconds=READ_BACK_S[0]),
        "contradictions": 0,
        "contradicted_at": None,
        "strangers": 0,
        "stranger_since": None,
    }


def _attempt(order: CreditOrder, claim: Claim, at: datetime) -> Grant:
    assert order.n is not None
    assert order.armed_fen is not None
    number = order.sends_before + order.sends
    Attempt.objects.create(order=order, number=number, token=claim.token, n=order.n, amount=order.armed_fen, at=at)
    return Grant(order.pk, order.meter_id, number, order.serial, order.n, order.armed_fen, claim.token)


def _fit(order: CreditOrder, evidence: Evidence, at: datetime) -> Purse:
    """The purse this evidence shows, opened when new. Raises _Unfit when no order may be armed on it."""
    _complete(order, evidence)
    purse = _purse(order, evidence, at)
    if purse.stop_reason:
        raise _Unfit("purse-stopped", STOPPED_RETRY)
    if getattr(order, "meter_busy", False):
        raise _Unfit("in-flight", BUSY_RETRY)
    if order.n is None and not purses.agrees(purse, evidence):
        _disagreement(order, purse, evidence, at)
    return purse


def _complete(order: CreditOrder, evidence: Evidence) -> None:
    if evidence.count is None and not evidence.serial:
        raise _Unfit("silent", SILENT_RETRY)
    if not evidence.serial:
        raise _Unfit("no-identity", SILENT_RETRY)
    profile = registry.get(order.meter.profile)
    has_total = any(profile.block(name).field("total_purchased") for name in profile.evidence)
    if evidence.count is None or (has_total and evidence.total is None):
        raise _Unfit("silent", SILENT_RETRY)
    if evidence.count >= COUNT_MAX:
        raise _Unfit("count-full", STOPPED_RETRY)


def _purse(order: CreditOrder, evidence: Evidence, at: datetime) -> Purse:
    assert evidence.serial
    known = {one.serial: one for one in Purse.objects.filter(Q(serial=evidence.serial) | Q(meter=order.meter))}
    expected = order.meter.serial or next((one.serial for one in known.values() if one.meter_id == order.meter_id), "")
    purse = known.get(evidence.serial)
    if (expected and expected != evidence.serial) or (purse is not None and purse.meter_id != order.meter_id):
        raise _Unfit("other-serial", timedelta(seconds=STRANGER_SPAN_S))
    return purse or purses.open_purse(meter=order.meter, evidence=evidence, at=at)


def _disagreement(order: CreditOrder, purse: Purse, evidence: Evidence, at: datetime) -> None:
    """Somebody else wrote to the purse, or one read was torn: a second read tells. Always raises _Unfit."""
    seen = order.contradicted_at
    gap = timedelta(seconds=CONTRADICTION_GAP_S)
    if seen is not None and moment(evidence) - seen >= gap:
        purses.stop(purse.serial, reason="disagrees", at=at)
        raise _Unfit("purse-stopped", STOPPED_RETRY)
    raise _Unfit("disagrees", gap)


def _wait(order: CreditOrder, unfit: _Unfit, evidence: Evidence, at: datetime) -> NoGrant:
    """Keep the order in the queue, with the reason its page shows."""
    if unfit.reason not in ("silent", "in-flight"):
        store(order, evidence, finding="", reason=unfit.reason)
    retry_at = at + unfit.wait
    doubt = unfit.reason == "disagrees"
    kept = (order.contradicted_at or moment(evidence)) if doubt else None
    events.change(order, reason=unfit.reason, due_at=retry_at, contradicted_at=kept)
    return NoGrant(order.pk, unfit.reason, retry_at)


def _seen_after_all(order: CreditOrder, purse: Purse, claim: Claim, evidence: Evidence, at: datetime) -> NoGrant:
    """A frame of an earlier round may have arrived late: observe proves the old n, it is never armed a second time."""
    armed = armed_of(order)
    ours = armed.serial == purse.serial and armed.base_count == purse.proven_count
    if not ours or judge(armed, evidence).finding is not Finding.DELIVERED:
        try:
            _disagreement(order, purse, evidence, at)
        except _Unfit as unfit:
            return _wait(order, unfit, evidence, at)
    events.move(order, OrderState.UNKNOWN, at=at, reason="seen-after-all", lease_token=claim.token, due_at=at)
    return NoGrant(order.pk, "seen-after-all", at)
