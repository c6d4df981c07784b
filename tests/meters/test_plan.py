"""Plans and orders: few short reads, one frame a credit, and evidence that says None where a meter was silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prewatt.core.evidence import PurchaseRecord
from prewatt.core.supply import SupplyMode
from prewatt.meters import modbus, orders, plan, registry
from prewatt.meters.orders import CreditUnsupported, ModeUnsupported, credit_frame, mode_frames
from prewatt.meters.plan import Exchange, plan_evidence, plan_identity, plan_log, plan_state
from tests.meters import vectors

MODBUS = [name for name in registry.names() if registry.get(name).codec == "modbus"]

NK = ["acrel-ddsy1352-nk", "acrel-dtsy1352-nk"]
SERIAL = bytes.fromhex("202511200001")
PURSE = (15_025).to_bytes(4) + (7).to_bytes(2) + bytes(4) + b"\xe0\x0f"
TOTAL = (50_000).to_bytes(4)


def record(count: int, amount: int, remaining: int, stamp: str = "190b140e1e00") -> bytes:
    return (
        bytes.fromhex(stamp) + count.to_bytes(2) + amount.to_bytes(4, signed=True)
        + remaining.to_bytes(4, signed=True) + (1_234_567).to_bytes(4)
    )  # fmt: skip


@pytest.mark.parametrize("name", NK)
def test_the_state_is_one_read_equal_to_its_vector(name: str) -> None:
    assert plan_state(registry.get(name), 1) == (Exchange(vectors.POLL, "state", len(vectors.POLL_ANSWER)),)


@pytest.mark.parametrize("name", NK)
def test_evidence_is_three_short_reads(name: str) -> None:
    found = plan_evidence(registry.get(name), 9)
    assert [(modbus.open_request(one.frame), one.block, one.reply_length) for one in found] == [
        (modbus.Request(9, 3, 0x0043, 3, ()), "identity", 11),
        (modbus.Request(9, 3, 0x021F, 6, ()), "purse", 17),
        (modbus.Request(9, 3, 0x0412, 2, ()), "total", 9),
    ]
    assert plan_identity(registry.get(name), 9) == found[:1]


def test_every_planned_length_is_the_length_the_cutter_expects() -> None:
    for name in MODBUS:
        profile = registry.get(name)
        for one in (*plan_state(profile, 3), *plan_evidence(profile, 3), *plan_log(profile, 3, newest=20)):
            assert modbus.sound(one.frame)
            assert one.reply_length == modbus.answer_length(one.frame)


def test_a_continuous_log_is_read_in_two_pieces() -> None:
    found = plan_log(registry.get(NK[0]), 1, newest=99)
    assert [(modbus.open_request(one.frame), one.block) for one in found] == [
        (modbus.Request(1, 3, 0x1B00, 120, ()), "log:0"),
        (modbus.Request(1, 3, 0x1B78, 80, ()), "log:12"),
    ]
    assert plan_log(registry.get(NK[0]), 1) == (plan.Exchange(modbus.read_request(1, 0x1B00, 10), "log:0", 25),)


def test_an_adf400l_log_has_an_address_for_each_record() -> None:
    found = plan_log(registry.get("acrel-adf400l"), 1, newest=3)
    assert [modbus.open_request(one.frame) for one in found] == [
        modbus.Request(1, 3, 0x1B00 + place, 10, ()) for place in range(3)
    ]


@pytest.mark.parametrize("name", NK)
def test_evidence_says_what_was_read(name: str) -> None:
    bodies = {"identity": SERIAL, "purse": PURSE, "total": TOTAL}
    found = plan.evidence(registry.get(name), bodies, refused=True, at=12.5)
    assert (found.serial, found.count, found.total, found.remaining) == ("202511200001", 7, 50_000, 15_025)
    assert (found.refused, found.at, found.records) == (True, 12.5, ())
    assert found.raw == SERIAL + PURSE + TOTAL


@pytest.mark.parametrize("missing", ["identity", "purse", "total"])
def test_what_did_not_answer_is_none(missing: str) -> None:
    bodies = {"identity": SERIAL, "purse": PURSE, "total": TOTAL}
    del bodies[missing]
    found = plan.evidence(registry.get(NK[0]), bodies)
    nothing = {"identity": {"serial"}, "purse": {"count", "remaining"}, "total": {"total"}}[missing]
    for name in ("serial", "count", "total", "remaining"):
        assert (getattr(found, name) is None) == (name in nothing)


def test_owed_credit_and_total_are_negative() -> None:
    found = plan.evidence(registry.get(NK[0]), {"purse": b"\xff\xff\xff\x9c" + PURSE[4:], "total": b"\xff" * 4})
    assert (found.remaining, found.total) == (-100, -1)


def test_records_come_newest_first_without_empty_places() -> None:
    bodies = {"log:12": record(2, -50, 10), "log:0": record(4, 10_000, 12_000) + bytes(20) + b"\xff" * 20}
    assert plan.records(registry.get(NK[0]), bodies) == (
        PurchaseRecord(4, 10_000, 12_000, "251120143000"),
        PurchaseRecord(2, -50, 10, "251120143000"),
    )


def test_an_adf400l_is_told_by_its_log_and_stays_itself_after_a_purchase() -> None:
    profile = registry.get("acrel-adf400l")
    assert [one.block for one in plan_evidence(profile, 1)] == ["purse", "log:0", "log:1"]
    purse = (15_025).to_bytes(4) + (50_000).to_bytes(4) + (7).to_bytes(2)
    before = plan.evidence(profile, {"purse": purse, "log:0": record(7, 100, 200), "log:1": record(6, 5, 6)})
    assert before.serial == "log:251120143000-7-100"
    assert (before.count, before.total, before.remaining) == (7, 50_000, 15_025)
    bodies = {"purse": purse, "log:0": record(8, 100, 300), "log:1": record(7, 100, 200)}
    assert plan.evidence(profile, bodies, known=before.serial).serial == before.serial
    stranger = {"purse": purse, "log:0": record(8, 1, 1, "190b140e1e01"), "log:1": record(7, 1, 1, "190b140e1e01")}
    assert plan.evidence(profile, stranger, known=before.serial).serial != before.serial
    assert plan.evidence(profile, {"purse": purse, "log:0": bytes(20)}).serial is None


@pytest.mark.parametrize("name", NK)
def test_a_credit_is_one_frame_of_amount_and_count(name: str) -> None:
    profile = registry.get(name)
    found = credit_frame(profile, 1, n=8, amount=10_000)
    assert found[:3] == (modbus.write_request(1, 0x050D, (0, 10_000, 8)), "credit", 8)
    back = modbus.open_request(credit_frame(profile, 1, n=9, amount=-1).frame)
    assert back is not None
    assert back.words == (0xFFFF, 0xFFFF, 9)
    large = modbus.open_request(credit_frame(profile, 1, n=0xFFFF, amount=2**31 - 1).frame)
    assert large is not None
    assert large.words == (0x7FFF, 0xFFFF, 0xFFFF)


def test_an_unsigned_amount_reaches_further_but_never_back() -> None:
    profile = registry.get("acrel-adf400l")
    found = modbus.open_request(credit_frame(profile, 1, n=1, amount=2**32 - 1).frame)
    assert found is not None
    assert (found.address, found.words) == (0x050D, (0xFFFF, 0xFFFF, 1))
    with pytest.raises(CreditUnsupported, match="gives no credit back"):
        credit_frame(profile, 1, n=1, amount=-1)


@pytest.mark.parametrize(("n", "amount"), [(0, 100), (0x10000, 100), (1, 0), (1, 2**31), (1, -(2**31) - 1)])
def test_what_the_registers_cannot_hold_is_no_frame(n: int, amount: int) -> None:
    with pytest.raises(CreditUnsupported):
        credit_frame(registry.get(NK[0]), 1, n=n, amount=amount)


@pytest.mark.parametrize("name", NK)
def test_modes_equal_their_vectors(name: str) -> None:
    profile = registry.get(name)
    expected = {
        SupplyMode.FORCED_OFF: vectors.FORCED_TRIP,
        SupplyMode.HELD_ON: vectors.KEEP_POWER,
        SupplyMode.PREPAID: vectors.BACK_TO_PREPAID,
    }
    for mode, frame in expected.items():
        assert mode_frames(profile, 1, mode) == (Exchange(frame, "mode", 8),)


def test_a_model_without_modes_or_credit_says_so() -> None:
    bare = replace(registry.get(NK[0]), name="bare", credit=None, modes=None, log=None, identity="none")
    with pytest.raises(CreditUnsupported, match="bare takes no credit"):
        credit_frame(bare, 1, n=1, amount=1)
    with pytest.raises(ModeUnsupported, match="bare cannot be set to held-on"):
        mode_frames(bare, 1, SupplyMode.HELD_ON)
    assert (plan_log(bare, 1), plan_identity(bare, 1), plan.records(bare, {"log:0": bytes(20)})) == ((), (), ())
    assert orders.refusal(bare, 3) == "exception-03"


def test_a_refusal_has_a_stable_word() -> None:
    profile = registry.get(NK[0])
    assert [orders.refusal(profile, code) for code in (3, 4, 2)] == ["wrong-count", "ceiling", "exception-02"]


@pytest.mark.parametrize("name", MODBUS)
def test_no_two_blocks_of_a_model_answer_in_the_same_length(name: str) -> None:
    """An answer to a read does not tell its registers: a late one must be told by its length."""
    profile = registry.get(name)
    planned = (*plan_state(profile, 1), *plan_evidence(profile, 1), *plan.plan_blocks(profile, 1))
    reads = {one.block: one.reply_length for one in planned}
    reads = {block: length for block, length in reads.items() if block != "log:1"}  # records are alike by nature
    assert len(set(reads.values())) == len(reads)
