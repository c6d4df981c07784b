"""Ingest: idempotent by meter and time, never back in time, the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prewatt.field.headend.store import ContactChange, ContactKind, FrameRecord, IdentitySeen, LineCounters
from prewatt.meters.row import ABSENT, EMPTY_ROW, KEEP_ONLY, ROW, ReadingRow
from prewatt.office.estate.models import Meter
from prewatt.office.readings import ingest as fast
from prewatt.office.readings import reports
from prewatt.office.readings.ingest import ingest
from prewatt.office.readings.models import GatewayState, LineFrame, LineState, MeterState, Reading
from tests.office import factories

pytestmark = pytest.mark.django_db
AT_MS = int(factories.AT.timestamp() * 1000)


@pytest.fixture
def meter() -> Meter:
    return factories.make_meter(premises=factories.make_premises())


def row(meter: Meter | int, seconds: float = 0, *, store: int = 1, **fields: Any) -> bytes:
    number = meter if isinstance(meter, int) else meter.pk
    values = {
        "meter_id": number,
        "at_ms": AT_MS + int(seconds * 1000),
        "store": store,
        "energy_wh": 1_000,
        "credit": 5_000,
    }
    return ROW.pack(*EMPTY_ROW._replace(**{**values, **fields}))


def test_a_row_becomes_a_reading_and_the_latest_state(meter: Meter) -> None:
    assert (
        ingest(rows=row(meter, 0.25, power_w=321, contactor=1, mode=2, flags=33, purchase_number=7, voltage_a=2201))
        == 1
    )
    state = MeterState.objects.get(meter=meter)
    assert (state.energy_wh, state.credit, state.power_w, state.purchase_number) == (1_000, 5_000, 321, 7)
    assert (state.contactor, state.mode, state.flags, state.voltage_a, state.voltage_b) == (1, 2, 33, 2201, None)
    assert state.at == datetime.fromtimestamp(AT_MS / 1000 + 0.25, UTC) == state.last_good_at
    assert (state.contact, state.version) == ("unknown", 1)
    kept = Reading.objects.get()
    assert (kept.meter_id, kept.ts, kept.energy_wh, kept.power_w, kept.mode) == (meter.pk, AT_MS // 1000, 1_000, 321, 2)
    assert (kept.sharp_wh, kept.total_purchased) == (None, None)


def test_a_row_to_keep_only_never_touches_the_state(meter: Meter) -> None:
    ingest(rows=row(meter, 60, store=KEEP_ONLY, credit=ABSENT))
    assert MeterState.objects.filter(meter=meter, energy_wh__isnull=False).count() == 0
    ingest(rows=row(meter, 0, store=0) + row(meter, 120, store=KEEP_ONLY, credit=ABSENT))
    state = MeterState.objects.get(meter=meter)
    assert (state.credit, state.at) == (5_000, datetime.fromtimestamp(AT_MS / 1000, UTC))
    assert list(Reading.objects.order_by("ts").values_list("ts", "credit")) == [
        (AT_MS // 1000 + 60, None), (AT_MS // 1000 + 120, None),
    ]  # fmt: skip


def test_a_row_of_the_sweep_moves_the_state_only(meter: Meter) -> None:
    ingest(rows=row(meter, store=0))
    assert MeterState.objects.get().credit == 5_000
    assert not Reading.objects.exists()


def test_the_same_batch_twice_changes_nothing(meter: Meter) -> None:
    batch = row(meter) + row(meter, 1800, credit=4_000)
    ingest(rows=batch)
    before = MeterState.objects.values().get()
    ingest(rows=batch)
    assert MeterState.objects.values().get() == before
    assert Reading.objects.count() == 2


def test_late_data_is_kept_but_never_moves_the_state_back(meter: Meter) -> None:
    ingest(rows=row(meter, 3600, credit=100))
    ingest(rows=row(meter, 1800, credit=900))
    assert MeterState.objects.get().credit == 100
    assert Reading.objects.count() == 2
    ingest(rows=row(meter, 7200, credit=50) + row(meter, 5400, credit=70))
    assert MeterState.objects.get().credit == 50


def test_the_version_grows_only_when_a_tile_looks_different(meter: Meter) -> None:
    ingest(rows=row(meter, 0))
    ingest(rows=row(meter, 1, voltage_a=2_200))
    assert MeterState.objects.get().version == 1
    assert MeterState.objects.get().voltage_a == 2_200
    ingest(rows=row(meter, 2, power_w=5))
    assert MeterState.objects.get().version == 2


def test_an_unknown_meter_has_no_state(meter: Meter) -> None:
    ingest(rows=row(meter) + row(meter.pk + 99))
    assert [state.meter_id for state in MeterState.objects.all()] == [meter.pk]


def test_half_a_row_is_refused(meter: Meter) -> None:
    with pytest.raises(ValueError, match="whole rows"):
        ingest(rows=row(meter)[:-1])
    assert not MeterState.objects.exists()


def test_a_long_batch_is_cut_into_short_commits(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "MOST_ROWS", 3)
    assert ingest(rows=b"".join(row(meter, 60 * number, credit=number) for number in range(10))) == 10
    assert Reading.objects.count() == 10
    assert MeterState.objects.get().credit == 9


rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 20), st.integers(0, 1), st.one_of(st.just(ABSENT), st.integers(-9, 9))),
    max_size=30,
)


def empty(*tables: str) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(rows, max_size=4))
def test_any_order_of_any_rows_ends_at_the_newest_of_each_meter(batches: list[list[tuple[int, int, int, int]]]) -> None:
    empty("readings_reading", "readings_meterstate")
    line = factories.make_line()
    meters = [factories.make_meter(line=line) for _ in range(4)]
    told: dict[int, dict[int, set[int]]] = {}
    for batch in batches:
        ingest(rows=b"".join(row(meters[m], second, store=store, credit=credit) for m, second, store, credit in batch))
        for m, second, _store, credit in batch:
            told.setdefault(m, {}).setdefault(second, set()).add(credit)
    kept = {(meters[m].pk, AT_MS // 1000 + second) for batch in batches for m, second, store, _credit in batch if store}
    assert set(Reading.objects.values_list("meter_id", "ts")) == kept
    assert MeterState.objects.count() == len(told)
    for m, moments in told.items():
        newest = max(moments)
        state = MeterState.objects.get(meter=meters[m])
        assert state.at == datetime.fromtimestamp(AT_MS / 1000 + newest, UTC)
        assert (ABSENT if state.credit is None else state.credit) in moments[newest]


def contact(kind: ContactKind, ref: int, word: str, **fields: Any) -> ContactChange:
    values = {"at_ms": AT_MS, "last_good_ms": AT_MS - 9_000, "tried": 3, "reason": "timeout"}
    return ContactChange(kind, ref, word, **{**values, **fields})


def test_a_meter_that_is_out_stays_out_since_then_when_it_is_told_again(meter: Meter) -> None:
    """A head-end that starts again does not know since when; the books do."""
    later = int(factories.AT.timestamp() * 1000) + 600_000
    ingest(contacts=[contact(ContactKind.METER, meter.pk, "out")])
    ingest(contacts=[contact(ContactKind.METER, meter.pk, "out", at_ms=later)])
    assert MeterState.objects.get().contact_since == factories.AT
    ingest(contacts=[contact(ContactKind.METER, meter.pk, "ok", at_ms=later, last_good_ms=later)])
    assert (MeterState.objects.get().contact_since - factories.AT).total_seconds() == 600
    assert MeterState.objects.get().last_good_at == MeterState.objects.get().contact_since


def test_contact_of_meters_and_gateways_is_kept_apart(meter: Meter) -> None:
    gateway = meter.line.gateway
    ingest(
        contacts=[
            contact(ContactKind.METER, meter.pk, "out"),
            contact(ContactKind.GATEWAY, gateway.pk, "out", reason="closed"),
        ]
    )
    state = MeterState.objects.get()
    assert (state.contact, state.failed_rounds, state.contact_reason, state.version) == ("out", 3, "timeout", 1)
    assert state.contact_since == factories.AT
    assert (GatewayState.objects.get().contact, GatewayState.objects.get().reason) == ("out", "closed")
    ingest(contacts=[contact(ContactKind.METER, meter.pk, "ok", tried=0, reason="", last_good_ms=0)])
    assert (MeterState.objects.get().contact, MeterState.objects.get().version) == ("ok", 2)


def test_reports_about_what_was_removed_are_dropped(meter: Meter) -> None:
    ingest(
        contacts=[contact(ContactKind.METER, 9_999, "out"), contact(ContactKind.GATEWAY, 9_999, "out")],
        counters=[counters(9_999)], frames=[FrameRecord(9_999, AT_MS, "tx", b"\x01", "")],
        identities=[IdentitySeen(9_999, "1", AT_MS)],
    )  # fmt: skip
    assert not MeterState.objects.exists()
    assert not LineState.objects.exists()


def counters(line: int, **fields: Any) -> LineCounters:
    zero = dict.fromkeys(("timeouts", "crc_errors", "foreign", "exceptions", "latency_p50_ms", "latency_p95_ms"), 0)
    return LineCounters(
        **{"line_id": line, "at_ms": AT_MS, "exchanges": 10, "busy_permille": 500, "round_ms": 900, **zero, **fields}
    )


def test_counters_of_a_line_add_up_and_gauges_are_the_newest(meter: Meter) -> None:
    line = meter.line_id
    ingest(counters=[counters(line, timeouts=2), counters(line, busy_permille=700)])
    ingest(counters=[counters(line, exchanges=5)])
    state = LineState.objects.get()
    assert (state.exchanges, state.timeouts, state.busy_permille, state.round_ms) == (25, 2, 500, 900)


def test_the_newest_frames_of_a_line_are_kept(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "FRAMES_KEPT", 3)
    ingest(frames=[FrameRecord(meter.line_id, AT_MS + n, "tx", bytes([n]), "x" * 200) for n in range(5)])
    ingest(frames=[FrameRecord(meter.line_id, AT_MS + 9, "rx", b"\x09", "")])
    assert [bytes(frame.data) for frame in LineFrame.objects.order_by("pk")] == [b"\x03", b"\x04", b"\x09"]


def test_a_serial_is_kept_beside_the_state(meter: Meter) -> None:
    ingest(identities=[IdentitySeen(meter.pk, "261100000001", AT_MS)])
    ingest(rows=row(meter))
    assert MeterState.objects.get().seen_serial == "261100000001"


def test_the_fields_of_a_row_are_those_the_statements_name() -> None:
    assert set(ReadingRow._fields) >= {*fast._STATE, *fast._READING}
