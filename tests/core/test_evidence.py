"""The evidence table, row by row, and what no evidence may ever do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prewatt.core.evidence import (
    LOG_UNREAD,
    MAX_SENDS,
    POLL_S,
    READ_BACK_S,
    Armed,
    Evidence,
    Finding,
    PurchaseRecord,
    judge,
    next_read_back,
)

ARMED = Armed(serial="S1", n=8, base_count=7, base_total=50_000, amount=10_000, sends=1)
SEEN = Evidence(serial="S1", count=7, total=50_000, remaining=1_000, at=1_000.0)
ONCE = replace(ARMED, contradictions=1, contradicted_at=997.0)
TWICE_A_STRANGER = replace(ARMED, strangers=2, stranger_since=930.0)


def record(count: int, amount: int) -> PurchaseRecord:
    return PurchaseRecord(count, amount, 0, "261123090000")


@pytest.mark.parametrize(
    ("armed", "seen", "finding", "reason"),
    [
        pytest.param(ARMED, replace(SEEN, count=8, total=60_000), "delivered", "count-and-total", id="count-n-plus-amount"),
        pytest.param(ARMED, SEEN, "not-applied", "not-applied", id="n-1-unchanged"),
        pytest.param(ARMED, replace(SEEN, refused=True), "refused", "meter-refused", id="n-1-after-an-exception"),
        pytest.param(replace(ARMED, sends=MAX_SENDS), SEEN, "refused", "no-effect", id="n-1-after-five-sends"),
        pytest.param(replace(ARMED, sends=MAX_SENDS - 1), SEEN, "not-applied", "not-applied", id="n-1-after-four"),
        pytest.param(ARMED, replace(SEEN, count=8), "contradiction", "torn-or-foreign", id="count-n-total-unchanged"),
        pytest.param(ARMED, replace(SEEN, count=8, total=55_000), "contradiction", "torn-or-foreign", id="another-amount"),
        pytest.param(ONCE, replace(SEEN, count=8), "quarantine", "torn-or-foreign", id="torn-read-twice"),
        pytest.param(ARMED, replace(SEEN, total=60_000), "contradiction", "foreign-total", id="n-1-total-changed"),
        pytest.param(ONCE, replace(SEEN, total=60_000), "quarantine", "foreign-total", id="n-1-total-changed-twice"),
        pytest.param(ARMED, replace(SEEN, count=9, total=65_000), "unseen", LOG_UNREAD, id="beyond-n-log-not-read"),
        pytest.param(
            ARMED, replace(SEEN, count=9, total=65_000, records=(record(9, 5_000), record(8, 10_000))),
            "delivered", "purchase-log", id="beyond-n-record-shows-ours",
        ),
        pytest.param(
            ARMED, replace(SEEN, count=9, total=65_000, records=(record(9, 5_000), record(8, 9_000))),
            "contradiction", "foreign-count", id="beyond-n-record-shows-another",
        ),
        pytest.param(
            ONCE, replace(SEEN, count=9, total=65_000, records=(record(9, 5_000),)),
            "quarantine", "foreign-count", id="beyond-n-record-gone-twice",
        ),
        pytest.param(ARMED, replace(SEEN, count=0, total=0), "contradiction", "reset", id="reset"),
        pytest.param(ONCE, replace(SEEN, count=6), "quarantine", "reset", id="reset-twice"),
        pytest.param(ARMED, replace(SEEN, serial="S2", count=8, total=60_000), "stranger", "other-serial", id="other-serial"),
        pytest.param(TWICE_A_STRANGER, replace(SEEN, serial="S2"), "quarantine", "other-serial", id="stranger-thrice"),
        pytest.param(
            replace(TWICE_A_STRANGER, stranger_since=941.0), replace(SEEN, serial="S2"),
            "stranger", "other-serial", id="stranger-thrice-within-a-minute",
        ),
        pytest.param(
            replace(TWICE_A_STRANGER, strangers=1), replace(SEEN, serial="S2"),
            "stranger", "other-serial", id="stranger-twice-over-a-minute",
        ),
        pytest.param(ARMED, Evidence(None, None, None, None), "unseen", "silent", id="silence"),
        pytest.param(ARMED, replace(SEEN, serial=None), "unseen", "no-identity", id="no-serial"),
        pytest.param(ARMED, replace(SEEN, count=None), "unseen", "silent", id="no-count"),
        pytest.param(ARMED, replace(SEEN, count=8, total=None), "unseen", "no-total", id="total-did-not-answer"),
    ],
)  # fmt: skip
def test_each_row_of_the_table(armed: Armed, seen: Evidence, finding: str, reason: str) -> None:
    verdict = judge(armed, seen)
    assert (verdict.finding, verdict.reason) == (finding, reason)


def test_somebody_elses_later_purchase_raises_the_foreign_alarm() -> None:
    seen = replace(SEEN, count=10, total=99_000, records=(record(10, 1), record(9, 2), record(8, 10_000)))
    assert judge(ARMED, seen).foreign
    assert not judge(ARMED, replace(SEEN, count=8, total=60_000)).foreign


def test_two_contradictions_closer_than_two_seconds_are_one() -> None:
    near = replace(ARMED, contradictions=1, contradicted_at=998.5)
    assert judge(near, replace(SEEN, count=8)).finding is Finding.CONTRADICTION


def test_a_clock_set_back_delays_no_verdict() -> None:
    later = replace(ARMED, contradictions=1, contradicted_at=4_600.0)
    assert judge(later, replace(SEEN, count=8)).finding is Finding.QUARANTINE


def test_credit_given_back_is_proven_the_same_way() -> None:
    back = replace(ARMED, amount=-3_000)
    assert judge(back, replace(SEEN, count=8, total=47_000)).finding is Finding.DELIVERED
    assert judge(back, replace(SEEN, count=8, total=53_000)).finding is Finding.CONTRADICTION


class TestAModelWithoutATotal:
    """Count and purchase log stand in for the total."""

    armed = replace(ARMED, base_total=None)

    def test_its_log_proves_delivery(self) -> None:
        seen = replace(SEEN, count=8, total=None, records=(record(8, 10_000),))
        assert judge(self.armed, seen).finding is Finding.DELIVERED

    def test_a_count_alone_proves_nothing(self) -> None:
        assert judge(self.armed, replace(SEEN, count=8, total=None)).reason == LOG_UNREAD

    def test_another_amount_in_its_log_contradicts(self) -> None:
        seen = replace(SEEN, count=8, total=None, records=(record(8, 9_999),))
        assert judge(self.armed, seen).finding is Finding.CONTRADICTION

    def test_the_old_count_means_not_applied(self) -> None:
        assert judge(self.armed, replace(SEEN, total=None)).finding is Finding.NOT_APPLIED


maybe = st.one_of(st.none(), st.integers(0, 12))
evidences = st.builds(
    Evidence,
    serial=st.sampled_from([None, "", "S1", "S2"]),
    count=maybe,
    total=st.one_of(st.none(), st.sampled_from([0, 49_999, 50_000, 60_000, 70_000])),
    remaining=st.one_of(st.none(), st.integers(-100, 100)),
    records=st.lists(st.builds(record, st.integers(0, 12), st.sampled_from([5_000, 10_000])), max_size=3).map(tuple),
    refused=st.booleans(),
    at=st.floats(900, 1_100),
)
armeds = st.builds(
    replace,
    st.just(ARMED),
    sends=st.integers(1, 6),
    contradictions=st.integers(0, 2),
    contradicted_at=st.floats(900, 1_100),
    strangers=st.integers(0, 4),
    stranger_since=st.floats(900, 1_100),
)


@given(armeds, evidences)
def test_delivered_always_rests_on_our_serial_count_and_amount(armed: Armed, seen: Evidence) -> None:
    if judge(armed, seen).finding is Finding.DELIVERED:
        assert seen.serial == armed.serial
        assert seen.count is not None
        assert seen.count >= armed.n
        logged = any(one.count == armed.n and one.amount == armed.amount for one in seen.records)
        assert seen.total == 60_000 if seen.count == armed.n else logged


@given(armeds, evidences)
def test_a_frame_is_only_sent_again_when_the_meter_shows_the_base_unchanged(armed: Armed, seen: Evidence) -> None:
    if judge(armed, seen).finding in (Finding.NOT_APPLIED, Finding.REFUSED):
        assert (seen.serial, seen.count, seen.total) == (armed.serial, armed.n - 1, armed.base_total)


@given(armeds, evidences)
def test_quarantine_never_rests_on_one_read(armed: Armed, seen: Evidence) -> None:
    first = replace(armed, contradictions=0, strangers=0)
    assert judge(first, seen).finding is not Finding.QUARANTINE


@given(armeds, evidences)
def test_no_identity_proves_nothing(armed: Armed, seen: Evidence) -> None:
    assert judge(armed, replace(seen, serial=None)).finding is Finding.UNSEEN


@given(armeds, evidences, st.integers(-1_000, 1_000))
def test_remaining_credit_alone_never_proves_a_delivery(armed: Armed, seen: Evidence, remaining: int) -> None:
    told = replace(seen, remaining=remaining)
    with_base = replace(armed, base_remaining=1_000, base_at=990.0)
    assert judge(armed, told) == judge(armed, seen)
    if judge(armed, told).finding not in (Finding.NOT_APPLIED, Finding.REFUSED):
        assert judge(with_base, told) == judge(armed, told)


@pytest.mark.parametrize(
    ("remaining", "finding", "reason"),
    [
        (1_000, "not-applied", "not-applied"),
        (-4_000, "not-applied", "not-applied"),
        (1_001, "contradiction", "torn-or-foreign"),
        (11_000, "contradiction", "torn-or-foreign"),
        (-5_001, "contradiction", "reset"),
        (None, "not-applied", "not-applied"),
    ],
)
def test_credit_that_rose_or_vanished_forbids_to_send_again(remaining: int | None, finding: str, reason: str) -> None:
    armed = replace(ARMED, base_remaining=1_000, base_at=990.0)
    verdict = judge(armed, replace(SEEN, remaining=remaining))
    assert (verdict.finding, verdict.reason) == (finding, reason)


def test_read_backs_follow_the_schedule_and_then_the_poll() -> None:
    moments, elapsed = [], 0.0
    for _ in range(7):
        elapsed = next_read_back(elapsed)
        moments.append(elapsed)
    assert moments == [*READ_BACK_S, 300 + POLL_S, 300 + 2 * POLL_S]
