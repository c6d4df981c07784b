"""The telegrams of the store socket arrive as they were sent, however the stream was chopped."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prewatt.core.evidence import Evidence, PurchaseRecord
from prewatt.field.headend import wire
from prewatt.field.headend.store import (
    Batch,
    ContactChange,
    ContactKind,
    ControlTask,
    CreditTask,
    Decision,
    Found,
    FrameRecord,
    GatewayEntry,
    IdentitySeen,
    Lease,
    LineCounters,
    LineEntry,
    MeterEntry,
    Next,
    Permit,
    Refused,
    RosterData,
)

LEASE = Lease(7, "head", 3, 1_700_000_000_000)
EVIDENCE = Evidence(
    "000123456789", 7, 12345, -50, (PurchaseRecord(7, 10000, 15000, "251120143000"),), True, b"\x01\xff", 1.5
)
ROSTER = RosterData(
    4,
    (
        GatewayEntry(
            1, "甲", "transparent", "127.0.0.1", 502, "",
            (LineEntry(2, "L", 1, 9600, "N", True, 0.0, (MeterEntry(3, "m", 1, "p", "s", 1800),)),),
        ),
    ),
)  # fmt: skip
BATCH = Batch(
    b"\x00\x01",
    (ContactChange(ContactKind.GATEWAY, 1, "out", 5, 0, 3, "closed"),),
    (FrameRecord(2, 5, "tx", b"\x01\x03", ""),),
    (LineCounters(2, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9),),
    (IdentitySeen(3, "000123456789", 5),),
)

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("roster", {"known": 3}),
    ("lease", {"holder": "head", "take_over": True}),
    ("ingest", {"batch": BATCH}),
    ("claim", {"leases": [LEASE], "limit": 9}),
    ("done", {"order_id": 1, "lease": LEASE, "outcome": "done", "reason": ""}),
    ("progress", {"order_id": 1, "lease": LEASE, "asked": 9, "found": [Found(9600, "N", 5, "p", "", 7, "123")]}),
    ("due", {"leases": [LEASE]}),
    ("arm", {"order_id": 1, "lease": LEASE, "evidence": EVIDENCE}),
    ("retry", {"order_id": 1, "lease": LEASE, "evidence": Evidence(None, None, None, None)}),
    ("observe", {"order_id": 1, "lease": LEASE, "evidence": EVIDENCE}),
]
RESULTS: list[tuple[str, Any]] = [
    ("roster", ROSTER),
    ("roster", None),
    ("lease", [LEASE]),
    ("ingest", None),
    ("claim", [ControlTask(1, 2, "read-now", {"a": 1, "b": "x"}, 9), ControlTask(2, 0, "scan", {}, 9, 3, 4)]),
    ("progress", True),
    ("done", None),
    ("due", [CreditTask(1, 2, True, 3)]),
    ("arm", Permit(1, 2, 1, "000123456789", 8, -10000, 3)),
    ("retry", Refused(1, "purse stopped", 5)),
    ("observe", Decision(Next.WAIT, 9, "later")),
]


@pytest.mark.parametrize(("verb", "arguments"), CALLS)
def test_a_request_comes_out_as_it_went_in(verb: str, arguments: dict[str, Any]) -> None:
    (telegram,) = wire.Cutter().feed(wire.encode_request(5, verb, arguments))
    assert wire.decode_request(telegram) == (5, verb, arguments)


@pytest.mark.parametrize(("verb", "result"), RESULTS)
def test_a_result_comes_out_as_it_went_in(verb: str, result: Any) -> None:
    (telegram,) = wire.Cutter().feed(wire.encode_ok(5, result))
    answer = wire.decode_answer(telegram)
    assert (answer.id, answer.status) == (5, "ok")
    assert wire.decode_result(verb, answer.payload) == result


def test_refusals_of_a_verb_and_the_push_are_told_apart() -> None:
    stream = wire.encode_lost(1, "token 4") + wire.encode_error(2, "boom") + wire.encode_work()
    answers = [wire.decode_answer(telegram) for telegram in wire.Cutter().feed(stream)]
    assert [(answer.id, answer.status) for answer in answers] == [(1, "lost"), (2, "error"), (0, "work")]
    assert wire.decode_text(answers[0].payload) == "token 4"


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_telegrams_are_cut_wherever_the_stream_was_chopped(sizes: list[int]) -> None:
    stream = b"".join(wire.encode_request(number, verb, arguments) for number, (verb, arguments) in enumerate(CALLS))
    cutter = wire.Cutter()
    telegrams: list[bytes] = []
    at = 0
    for size in sizes:
        telegrams += cutter.feed(stream[at : at + size])
        at += size
    telegrams += cutter.feed(stream[at:])
    assert [wire.decode_request(telegram).id for telegram in telegrams] == list(range(len(CALLS)))


@given(st.binary(max_size=80))
def test_rubbish_is_refused_and_never_crashes(rubbish: bytes) -> None:
    for read in (wire.decode_request, wire.decode_answer):
        try:
            read(rubbish)
        except wire.WireError:
            continue


def test_an_unknown_verb_and_an_oversized_telegram_are_refused() -> None:
    with pytest.raises(KeyError):
        wire.encode_request(1, "pay", {})
    with pytest.raises(wire.WireError):
        wire.Cutter().feed(b"\xff\xff\xff\xff")


def test_a_permit_with_missing_parts_is_refused() -> None:
    (telegram,) = wire.Cutter().feed(wire.encode_ok(1, {"t": "permit", "order_id": 1}))
    with pytest.raises(wire.WireError):
        wire.decode_result("arm", wire.decode_answer(telegram).payload)
