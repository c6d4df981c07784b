"""The line: who answers, who keeps silent, how long it takes, and what each fault does to that."""

from __future__ import annotations

import pytest

from prewatt.field.simulator.faults import Fault, FaultKind, Faults
from prewatt.field.simulator.plan import DTSY
from prewatt.meters import modbus
from prewatt.meters.modbus import CutKind
from tests.field.simulator.make import NOON_MS, Desk, meter

POLL = modbus.read_request(1, 0x0200, 48)


def faulty(kind: FaultKind, target: str = "*", chance: float = 1.0, until_ms: int | None = None) -> Faults:
    faults = Faults()
    faults.set(Fault(kind, target, chance, until_ms))
    return faults


def two_meters(faults: Faults | None = None) -> Desk:
    return Desk(meter(), meter(address=2, serial="230600000002", seed=8), faults=faults)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x01",
        POLL[:-1],
        POLL[:-1] + bytes((POLL[-1] ^ 1,)),
        modbus.read_request(2, 0x0200, 48),
        modbus.seal(bytes((0, 3, 2, 0, 0, 48))),
        modbus.seal(bytes((0, 16, 0, 0x57, 0, 2, 4, 0, 1, 0, 1))),
        modbus.seal(bytes((1, 0x83, 2))),
    ],
    ids=["nothing", "one byte", "torn", "wrong CRC", "another unit", "broadcast read", "broadcast write", "an answer"],
)
def test_what_is_not_for_a_meter_finds_silence(frame: bytes) -> None:
    desk = Desk()
    assert desk.say(frame) == b""
    assert not desk.meter.relay.forced


@pytest.mark.parametrize("content", [
    bytes((1, 6, 0, 0x57, 0, 1)), bytes((1, 4, 0, 0, 0, 1)), bytes((1, 0x2B, 0x0E, 1, 0)),
    bytes.fromhex("0120035400050a001e0e030c0b19000000"),
], ids=["06", "04", "2B", "vendor 20"])  # fmt: skip
def test_other_functions_are_exception_1(content: bytes) -> None:
    function = content[1]
    assert Desk().say(modbus.seal(content)) == modbus.exception_answer(1, function, 1)


def test_impossible_counts_are_exception_3() -> None:
    desk = Desk()
    assert desk.say(modbus.seal(bytes((1, 3, 2, 0, 0, 0)))) == modbus.exception_answer(1, 3, 3)
    assert desk.say(modbus.seal(bytes((1, 3, 2, 0, 0, 126)))) == modbus.exception_answer(1, 3, 3)
    assert desk.say(modbus.seal(bytes((1, 16, 4, 2, 0, 2, 2, 0, 0)))) == modbus.exception_answer(1, 16, 3)


def test_bytes_take_the_time_of_the_baud_rate_after_a_turnaround() -> None:
    for baud in (1200, 9600, 38400):
        desk = Desk(baud=baud)
        turnarounds = []
        for _ in range(200):
            pieces = desk.line.respond(POLL)
            wire = (8 + 101) * 10 / baud
            turnarounds.append(pieces[-1][0] - wire)
            times = [at for at, _ in pieces]
            assert times == sorted(times)
            assert pieces[1][0] - pieces[0][0] == pytest.approx(16 * 10 / baud)
            desk.clock.step(2)
        assert 0.030 <= min(turnarounds) < 0.06
        assert 0.25 < max(turnarounds) <= 0.300


def test_parity_makes_a_byte_longer() -> None:
    desk = Desk()
    even = type(desk.line)("E", desk.meters, desk.clock, parity="E")
    assert even.byte_s == pytest.approx(11 / 9600)
    assert even.silence_s == pytest.approx(3.5 * 11 / 9600)


def test_whoever_talks_into_an_answer_is_not_heard() -> None:
    desk = two_meters()
    first, last = (pieces := desk.line.respond(POLL))[0][0], pieces[-1][0]
    desk.clock.step((first + last) / 2)
    assert desk.line.respond(modbus.read_request(2, 0x0200, 48)) == []
    desk.clock.step(last)
    assert desk.line.respond(modbus.read_request(2, 0x0200, 48))


def test_a_seed_replays_a_line_byte_for_byte() -> None:
    def run(seed: int) -> list[object]:
        faults = Faults()
        for kind in (FaultKind.NOISE, FaultKind.WRONG_UNIT, FaultKind.LATE):
            faults.set(Fault(kind, "*", 0.3))
        desk = Desk(meter(), meter(address=2, serial="230600000002"), faults=faults, seed=seed)
        found: list[object] = []
        for step in range(120):
            found.append(desk.line.respond(modbus.read_request(1 + step % 2, 0x0200, 48)))
            desk.clock.step(0.7)
        return found

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_a_dead_meter_is_silent_and_its_neighbour_is_not() -> None:
    desk = two_meters(faulty(FaultKind.DEAD, "230600000001"))
    assert desk.say(POLL) == b""
    assert desk.say(modbus.read_request(2, 0x0200, 48))
    desk.line.faults.clear(FaultKind.DEAD)
    assert desk.say(POLL)


def test_a_fault_ends_by_itself() -> None:
    desk = Desk(faults=faulty(FaultKind.DEAD, "T", until_ms=NOON_MS + 5_000))
    assert desk.say(POLL) == b""
    desk.clock.step(5)
    assert desk.say(POLL)
    assert desk.line.faults.active(desk.line.now_ms()) == []


def test_noise_spoils_some_answers_and_none_passes_for_good() -> None:
    desk = Desk(faults=faulty(FaultKind.NOISE, "G", 0.5))
    true, spoiled, silent = 0, 0, 0
    for _ in range(300):
        reply = desk.say(modbus.read_request(1, 0x0043, 3))
        if not reply:
            silent += 1
        elif modbus.sound(reply):
            true += 1
            assert reply[3:-2].hex() == desk.meter.serial
        else:
            spoiled += 1
    assert 110 < true < 190
    assert 45 < spoiled < 110
    assert 45 < silent < 110


def test_a_wrong_unit_answers_in_its_own_name_and_never_takes_money() -> None:
    desk = two_meters(faulty(FaultKind.WRONG_UNIT))
    reply = desk.say(POLL)
    assert modbus.cut(POLL, reply).kind is CutKind.FOREIGN
    assert reply[0] == 2
    credit = modbus.write_request(1, 0x050D, (0, 100_00, desk.meter.purse.count + 1))
    assert desk.say(credit) == b""
    assert {one.purse.remaining for one in desk.meters.values()} == {100_00}


def test_a_late_answer_is_true_but_comes_after_the_deadline() -> None:
    desk = Desk(faults=faulty(FaultKind.LATE))
    pieces = desk.line.respond(POLL)
    assert 1.3 < pieces[0][0] < 3.5
    assert modbus.sound(b"".join(piece for _, piece in pieces))


def test_an_answer_that_meets_a_late_one_is_spoiled() -> None:
    desk = two_meters(faulty(FaultKind.LATE, "230600000001"))
    late = desk.line.respond(POLL)
    desk.clock.step(late[0][0] - 0.2)
    met = b"".join(piece for _, piece in desk.line.respond(modbus.read_request(2, 0x0200, 48)))
    assert not modbus.sound(met)


def test_behind_a_lost_gateway_there_is_nobody() -> None:
    assert Desk(faults=faulty(FaultKind.GATEWAY_LOST, "G")).say(POLL) == b""


@pytest.mark.parametrize(("when", "count", "credit", "total", "logged"), [
    ("before", 0, 0, 0, 0), ("torn", 1, 50_00, 0, 0), ("after", 1, 50_00, 50_00, 1),
])  # fmt: skip
def test_a_power_cut_during_a_purchase_leaves_what_was_already_written(
    when: str, count: int, credit: int, total: int, logged: int
) -> None:
    desk = Desk(meter(profile=DTSY, price=0))
    one = desk.meter
    held, start, records = (one.purse.count, one.purse.total), one.purse.remaining, len(one.purse.log)
    one.cut_at_purchase = (when, 20_000)
    assert desk.say(modbus.write_request(1, 0x050D, (0, 50_00, held[0] + 1))) == b""
    assert desk.kept == ([one.serial] if count else [])
    assert desk.say(POLL) == b""
    desk.clock.step(30)
    assert desk.say(POLL)
    purse = one.purse
    assert (purse.count, purse.total) == (held[0] + count, held[1] + total)
    assert purse.remaining == start + credit
    assert len(purse.log) == records + logged


def test_many_polls_cost_little() -> None:
    """A building polled all day at 60 times speed is some 1700 polls a second: each may cost a fraction of a core."""
    import time

    desk = two_meters()
    begin = time.process_time()
    for step in range(3_000):
        desk.line.respond(modbus.read_request(1 + step % 2, 0x0200, 48))
        desk.clock.step(0.28)
    each = (time.process_time() - begin) / 3_000
    assert each < 300e-6
