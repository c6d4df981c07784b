"""What the head-end reports now and then: contact, line counters, serials, raw frames. Rare, so plain ORM."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prewatt.office.estate.models import Gateway, Line, Meter
from prewatt.office.readings.facts import ContactFact, CounterFact, FrameFact, IdentityFact, moment
from prewatt.office.readings.models import GatewayState, LineFrame, LineState, MeterState

FRAMES_KEPT = 5_000  # a line
NOTE_LENGTH = 120
REASON_LENGTH = 40
COUNTED = ("exchanges", "timeouts", "crc_errors", "foreign", "exceptions")
GAUGED = ("busy_permille", "latency_p50_ms", "latency_p95_ms", "round_ms")


def contacts(facts: Sequence[ContactFact], *, version: Callable[[], int]) -> None:
    """Write down who came into or went out of contact, and since when."""
    meters = [fact for fact in facts if fact.kind == "meter"]
    known = set(Meter.objects.filter(pk__in=[fact.ref for fact in meters]).values_list("pk", flat=True))
    number = version() if meters else 0
    for fact in meters:
        if fact.ref in known:
            values = {
                "contact": fact.contact,
                "contact_since": moment(fact.at_ms),
                "failed_rounds": fact.tried,
                "contact_reason": fact.reason[:REASON_LENGTH],
                "version": number,
            }
            MeterState.objects.update_or_create(meter_id=fact.ref, defaults=_with_last_good(values, fact))
    for fact in facts:
        if fact.kind == "gateway" and Gateway.objects.filter(pk=fact.ref).exists():
            values = {
                "contact": fact.contact,
                "since": moment(fact.at_ms),
                "reason": fact.reason[:REASON_LENGTH],
            }
            GatewayState.objects.update_or_create(gateway_id=fact.ref, defaults=_with_last_good(values, fact))


def _with_last_good(values: dict[str, object], fact: ContactFact) -> dict[str, object]:
    return values | ({"last_good_at": moment(fact.last_good_ms)} if fact.last_good_ms else {})


def counters(facts: Sequence[CounterFact]) -> None:
    """Add what lines counted since their last report, and keep their newest gauges."""
    known = set(Line.objects.filter(pk__in=[fact.line_id for fact in facts]).values_list("pk", flat=True))
    states = LineState.objects.in_bulk(list(known))
    for fact in facts:
        if fact.line_id not in known:
            continue
        before = states.get(fact.line_id)
        sums = {name: getattr(fact, name) + (getattr(before, name) if before else 0) for name in COUNTED}
        gauges = {name: getattr(fact, name) for name in GAUGED}
        values = {"at": moment(fact.at_ms), **sums, **gauges}
        states[fact.line_id], _made = LineState.objects.update_or_create(line_id=fact.line_id, defaults=values)


def identities(facts: Sequence[IdentityFact]) -> None:
    """Keep the serial a meter told."""
    known = set(Meter.objects.filter(pk__in=[fact.meter_id for fact in facts]).values_list("pk", flat=True))
    for fact in facts:
        if fact.meter_id in known:
            MeterState.objects.update_or_create(meter_id=fact.meter_id, defaults={"seen_serial": fact.serial})


def frames(facts: Sequence[FrameFact]) -> None:
    """Keep raw frames, the newest FRAMES_KEPT of each line."""
    known = set(Line.objects.filter(pk__in={fact.line_id for fact in facts}).values_list("pk", flat=True))
    LineFrame.objects.bulk_create(
        LineFrame(
            line_id=fact.line_id,
            at=moment(fact.at_ms),
            direction=fact.direction,
            data=fact.data,
            note=fact.note[:NOTE_LENGTH],
        )
        for fact in facts
        if fact.line_id in known
    )
    for line in known:
        kept = LineFrame.objects.filter(line=line).order_by("-pk").values_list("pk", flat=True)
        oldest = kept[FRAMES_KEPT : FRAMES_KEPT + 1].first() if kept.count() > FRAMES_KEPT else None
        if oldest is not None:
            LineFrame.objects.filter(line=line, pk__lte=oldest).delete()
