"""What the head-end reports now and then: contact, line counters, serials, raw frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model, QuerySet

from prewatt.office.estate.models import Gateway, Line, Meter
from prewatt.office.readings.facts import ContactFact, CounterFact, FrameFact, IdentityFact, moment
from prewatt.office.readings.models import GatewayState, LineFrame, LineHistory, LineState, MeterState

FRAMES_KEPT = 5_000  # a line
NOTE_LENGTH = 120
PORTION = 500  # rows a statement
REASON_LENGTH = 40
COUNTED = ("exchanges", "timeouts", "crc_errors", "foreign", "exceptions")
HISTORY = ("reports", "exchanges", "failed", "busy_sum", "latency_p50_ms", "latency_p95_ms")
HISTORY_SLICE_MS = 5 * 60_000
HISTORY_KEPT = timedelta(hours=24)
GAUGED = ("busy_permille", "latency_p50_ms", "latency_p95_ms", "round_ms")


def contacts(facts: Sequence[ContactFact], *, version: Callable[[], int]) -> None:
    """Write down who came into or went out of contact, and since when.

    A head-end that starts again tells anew what is known already: the time since when stays.
    """
    meters = _newest(fact for fact in facts if fact.kind == "meter")
    known = _known(Meter, meters)
    number = version() if known else 0
    since = _since(MeterState, known, "contact_since")
    _upsert(
        MeterState,
        "meter",
        [
            MeterState(
                meter_id=fact.ref,
                contact=fact.contact,
                contact_since=since.get((fact.ref, fact.contact)) or moment(fact.at_ms),
                failed_rounds=fact.tried,
                contact_reason=fact.reason[:REASON_LENGTH],
                version=number,
                last_good_at=_last_good(fact),
            )
            for fact in meters.values()
            if fact.ref in known
        ],
        ["contact", "contact_since", "failed_rounds", "contact_reason", "version"],
    )
    gateways = _newest(fact for fact in facts if fact.kind == "gateway")
    known = _known(Gateway, gateways)
    since = _since(GatewayState, known, "since")
    _upsert(
        GatewayState,
        "gateway",
        [
            GatewayState(
                gateway_id=fact.ref,
                contact=fact.contact,
                since=since.get((fact.ref, fact.contact)) or moment(fact.at_ms),
                reason=fact.reason[:REASON_LENGTH],
                last_good_at=_last_good(fact),
            )
            for fact in gateways.values()
            if fact.ref in known
        ],
        ["contact", "since", "reason"],
    )


def _newest(facts: Iterable[ContactFact]) -> dict[int, ContactFact]:
    return {fact.ref: fact for fact in facts}


def _last_good(fact: ContactFact) -> datetime | None:
    return moment(fact.last_good_ms) if fact.last_good_ms else None


def _known(table: type[Model], references: Iterable[int]) -> set[int]:
    """Those of the ids that are in the estate, asked for in portions that any database takes as parameters."""
    wanted, known = list(references), set[int]()
    for start in range(0, len(wanted), PORTION):
        known.update(QuerySet(table).filter(pk__in=wanted[start : start + PORTION]).values_list("pk", flat=True))
    return known


def _since(table: type[Model], known: Iterable[int], name: str) -> dict[tuple[int, str], datetime | None]:
    """Since when each is in the contact it is in."""
    wanted, found = list(known), dict[tuple[int, str], datetime | None]()
    for start in range(0, len(wanted), PORTION):
        rows: Any = QuerySet(table).filter(pk__in=wanted[start : start + PORTION]).values_list("pk", "contact", name)
        found.update({(pk, contact): since for pk, contact, since in rows})
    return found


def _upsert(table: type[Model], key: str, rows: Sequence[Any], names: list[str]) -> None:
    """Insert or update the named columns; a time of last contact is written only where one is known."""
    for told in (True, False):
        some = [row for row in rows if (getattr(row, "last_good_at", None) is not None) == told]
        if some:
            columns = [*names, "last_good_at"] if told else names
            QuerySet(table).bulk_create(
                some, batch_size=PORTION, update_conflicts=True, unique_fields=[key], update_fields=columns
            )


def counters(facts: Sequence[CounterFact]) -> None:
    """Add what lines counted since their last report, and keep their newest gauges."""
    known = _known(Line, {fact.line_id for fact in facts})
    states = LineState.objects.in_bulk(list(known))
    for fact in facts:
        if fact.line_id not in known:
            continue
        before = states.get(fact.line_id)
        sums = {name: getattr(fact, name) + (getattr(before, name) if before else 0) for name in COUNTED}
        gauges = {name: getattr(fact, name) for name in GAUGED}
        states[fact.line_id] = LineState(line_id=fact.line_id, at=moment(fact.at_ms), **sums, **gauges)
    _upsert(LineState, "line", list(states.values()), ["at", *COUNTED, *GAUGED])
    history([fact for fact in facts if fact.line_id in known])


def history(facts: Sequence[CounterFact]) -> None:
    """Add to the slice of time each report falls into; a day of slices is kept."""
    wanted = {(fact.line_id, _slice(fact)) for fact in facts}
    known: dict[tuple[int, datetime], LineHistory] = {}
    for at in {at for _line, at in wanted}:
        known.update({(row.line_id, row.at): row for row in LineHistory.objects.filter(at=at)})
    begun = {at for _line, at in wanted} - {at for _line, at in known}
    for fact in facts:
        key = (fact.line_id, _slice(fact))
        row = known.setdefault(key, LineHistory(line_id=key[0], at=key[1]))
        row.reports += 1
        row.exchanges += fact.exchanges
        row.failed += fact.timeouts + fact.crc_errors + fact.foreign
        row.busy_sum += fact.busy_permille
        row.latency_p50_ms = fact.latency_p50_ms
        row.latency_p95_ms = max(row.latency_p95_ms, fact.latency_p95_ms)
    LineHistory.objects.bulk_create(
        [known[key] for key in sorted(wanted)], batch_size=PORTION, update_conflicts=True,
        unique_fields=["line", "at"], update_fields=HISTORY,
    )  # fmt: skip
    if begun:
        LineHistory.objects.filter(at__lt=max(begun) - HISTORY_KEPT).delete()


def _slice(fact: CounterFact) -> datetime:
    return moment(fact.at_ms - fact.at_ms % HISTORY_SLICE_MS)


def identities(facts: Sequence[IdentityFact]) -> None:
    """Keep the serial a meter told."""
    told = {fact.meter_id: fact.serial for fact in facts}
    known = _known(Meter, told)
    rows = [MeterState(meter_id=meter, seen_serial=serial) for meter, serial in told.items() if meter in known]
    _upsert(MeterState, "meter", rows, ["seen_serial"])


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
