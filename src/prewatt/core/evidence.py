"""What a meter showed about a credit, and what that proves. The only judge of an order whose outcome is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    """What was committed before the first byte: the number n, the base it was counted from, and how often it was sent."""

    serial: str
    n: int
    base_count: int
    base_total: int
    amount: int
    sends: int
    contradictions: int = 0  # contradicting reads so far, each >= 2 s after the one before
    contradicted_at: float = 0.0
    strangers: int = 0  # reads that showed another serial
    stranger_since: float = 0.0


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
