"""What a meter showed about a credit, and what that proves. The only judge of an order whose outcome is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_SENDS = 5  # frames of one n that changed nothing before the meter counts as unwilling
CONTRADICTION_GAP_S = 2.0  # a contradiction must be read twice, at least so far apart
STRANGER_READS = 3  # another serial must persist so many reads ...
STRANGER_SPAN_S = 60.0  # ... over at least so long
READ_BACK_S = (2.0, 5.0, 15.0, 60.0, 300.0)  # after a frame; then with each poll
POLL_S = 30.0  # pace of read-backs past the schedule
ALARM_AFTER_S = 15 * 60.0  # an order in UNKNOWN for so long is shown to a person; no clock settles it
# Credit that may be used up between two reads, far beyond any supply: more is gone only when a meter was reset.
USE_FLOOR = 5_000  # fen or Wh
USE_PER_S = 100
COUNT_MAX = 0xFFFF  # the purchase count is one 16-bit register
LOG_UNREAD = "log-unread"  # reason of a verdict that the meter's purchase log would have settled: read it next time


@dataclass(frozen=True, slots=True)
class PurchaseRecord:
    """One line of the meter's own purchase log: count after it, amount and remaining credit after it (fen or Wh)."""

    count: int
    amount: int
    remaining_after: int
    stamp: str  # the meter's own clock, "YYMMDDhhmmss"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Read back to back within one hold of the line. None: that register did not answer or the model has none."""

    serial: str | None
    count: int | None
    total: int | None
    remaining: int | None
    records: tuple[PurchaseRecord, ...] = ()
    refused: bool = False  # the meter answered an exception to the last credit frame
    raw: bytes = b""
    at: float = 0.0  # site epoch seconds


@dataclass(frozen=True, slots=True)
class Armed:
    """What was committed before the first byte: the number n, the base it counts from, and how often it was sent."""

    serial: str
    n: int
    base_count: int
    base_total: int | None  # None: the model has no total; its purchase log stands in
    amount: int
    sends: int
    contradictions: int = 0  # contradicting reads so far, each >= 2 s after the one before
    contradicted_at: float = 0.0
    strangers: int = 0  # reads that showed another serial
    stranger_since: float = 0.0
    base_remaining: int | None = None  # None: not known; then only count and total speak
    base_at: float = 0.0  # when the base was read


class Finding(StrEnum):
    """What the evidence says."""

    DELIVERED = "delivered"
    NOT_APPLIED = "not-applied"  # the same n may be sent again
    REFUSED = "refused"
    CONTRADICTION = "contradiction"  # read again; a second one >= 2 s later is quarantine
    STRANGER = "stranger"  # another serial; 3 reads over 60 s are quarantine
    QUARANTINE = "quarantine"
    UNSEEN = "unseen"  # no evidence: stays unknown


@dataclass(frozen=True, slots=True)
class Verdict:
    """A finding, the reason in a stable word, and whether a stranger's write must be alarmed."""

    finding: Finding
    reason: str
    foreign: bool = False


def judge(armed: Armed, seen: Evidence) -> Verdict:
    """Decide from one read what became of an armed order. Pure: the same read gives the same verdict.

    The table is that of docs/accounting; whatever it does not prove stays unknown. ``armed.contradictions`` and
    ``armed.strangers`` are what earlier reads left; the caller stores what this verdict adds to them. Spans are taken
    without their sign: a clock that is set back delays no verdict.
    """
    if not seen.serial or seen.count is None:
        return Verdict(Finding.UNSEEN, "no-identity" if seen.count is not None else "silent")
    if seen.serial != armed.serial:
        return _stranger(armed, seen)
    if armed.base_total is not None and seen.total is None:
        return Verdict(Finding.UNSEEN, "no-total")
    if seen.count == armed.n - 1:
        return _not_counted(armed, seen)
    if seen.count == armed.n:
        return _counted(armed, seen)
    if seen.count < armed.n:
        return _contradiction(armed, seen, "reset")
    return _overtaken(armed, seen)


def next_read_back(elapsed: float) -> float:
    """When to read back next: seconds after the frame, for an order whose frame went out ``elapsed`` seconds ago."""
    return next((delay for delay in READ_BACK_S if delay > elapsed), elapsed + POLL_S)


def _not_counted(armed: Armed, seen: Evidence) -> Verdict:
    if seen.total != armed.base_total and armed.base_total is not None:
        return _contradiction(armed, seen, "foreign-total")
    strange = _strange_remaining(armed, seen)
    if strange:
        return _contradiction(armed, seen, strange)
    if seen.refused:
        return Verdict(Finding.REFUSED, "meter-refused")
    if armed.sends >= MAX_SENDS:
        return Verdict(Finding.REFUSED, "no-effect")
    return Verdict(Finding.NOT_APPLIED, "not-applied")


def _strange_remaining(armed: Armed, seen: Evidence) -> str:
    """Why a count and total that are as before cannot be believed, or "".

    Credit never rises by itself: a write that was torn before the count reached the purse first, and the same n again
    would add it twice. A fall beyond all use is a reset of a meter whose count was 0 before, too.
    """
    if armed.base_remaining is None or seen.remaining is None:
        return ""
    if seen.remaining > armed.base_remaining:
        return "torn-or-foreign"
    use = USE_FLOOR + round(USE_PER_S * abs(seen.at - armed.base_at))
    return "reset" if armed.base_remaining - seen.remaining > use else ""


def _counted(armed: Armed, seen: Evidence) -> Verdict:
    if armed.base_total is None:
        return _by_log(armed, seen, foreign=False)
    if seen.total == armed.base_total + armed.amount:
        return Verdict(Finding.DELIVERED, "count-and-total")
    return _contradiction(armed, seen, "torn-or-foreign")


def _overtaken(armed: Armed, seen: Evidence) -> Verdict:
    """Somebody bought after us: only the meter's own log can tell whether our n was ours."""
    return _by_log(armed, seen, foreign=True)


def _by_log(armed: Armed, seen: Evidence, *, foreign: bool) -> Verdict:
    amounts = {record.amount for record in seen.records if record.count == armed.n}
    if amounts == {armed.amount}:
        return Verdict(Finding.DELIVERED, "purchase-log", foreign=foreign)
    if not seen.records:
        return Verdict(Finding.UNSEEN, LOG_UNREAD)
    return _contradiction(armed, seen, "foreign-count")


def _contradiction(armed: Armed, seen: Evidence, reason: str) -> Verdict:
    repeated = armed.contradictions > 0 and abs(seen.at - armed.contradicted_at) >= CONTRADICTION_GAP_S
    return Verdict(Finding.QUARANTINE if repeated else Finding.CONTRADICTION, reason)


def _stranger(armed: Armed, seen: Evidence) -> Verdict:
    persists = armed.strangers + 1 >= STRANGER_READS and abs(seen.at - armed.stranger_since) >= STRANGER_SPAN_S
    return Verdict(Finding.QUARANTINE if persists else Finding.STRANGER, "other-serial")
