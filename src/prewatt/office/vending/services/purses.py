"""The purse inside a meter: observed once, then compared with the ledger before each order."""

from __future__ import annotations

from datetime import datetime

from prewatt.core.evidence import Evidence
from prewatt.core.money import Money
from prewatt.office.estate.models import Meter
from prewatt.office.ledger.models import AccountKind
from prewatt.office.ledger.services import post, transfer
from prewatt.office.vending.models import Purse


def open_purse(*, meter: Meter, evidence: Evidence, at: datetime) -> Purse:
    """Write down what a purse held when it was first seen. The evidence must be complete."""
    assert evidence.serial
    assert evidence.count is not None
    purse = Purse.objects.create(
        serial=evidence.serial,
        meter=meter,
        opening_count=evidence.count,
        opening_total=evidence.total,
        opening_remaining=evidence.remaining,
        proven_count=evidence.count,
        proven_total=evidence.total,
        proven_at=at,
    )
    if evidence.remaining:
        post(
            at=at,
            kind="opening",
            subject=purse.serial,
            by=None,
            lines=transfer(
                debit=(AccountKind.OPENING, purse.serial),
                credit=(AccountKind.ON_METER, purse.serial),
                amount=Money(evidence.remaining),
            ),
        )
    return purse


def agrees(purse: Purse, evidence: Evidence) -> bool:
    """Whether the meter shows what the ledger proves: nobody else wrote to it."""
    return (evidence.count, evidence.total) == (purse.proven_count, purse.proven_total)


def stop(serial: str, *, reason: str, at: datetime) -> None:
    """Let no credit frame go to this purse any more, until persons have looked. The first reason stays."""
    Purse.objects.filter(serial=serial, stop_reason="").update(stop_reason=reason, stopped_at=at)
