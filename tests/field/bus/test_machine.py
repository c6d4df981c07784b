"""The line as a state machine: silence, one answer at a time, rest after a time-out, money first, nothing sent twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import pytest

from prewatt.field.bus.exchange import Claim, Job, Outcome, Priority, Question, Reply
from prewatt.field.bus.machine import Machine
from prewatt.field.bus.rounds import Station
from prewatt.field.bus.timing import Timing
from prewatt.meters import modbus

TIMING = Timing.of(9600)
STATE, OTHER = 0x0200, 0x0300


class Heard:
    """Notes what the line reports."""

    def __init__(self) -> None:
        self.polls: list[tuple[int, list[bytes]]] = []
        self.refusals: list[int] = []
        self.misses: list[tuple[int, Outcome]] = []
        self.frames: list[tuple[str, bytes, str]] = []

    def polled(self, station: Station, frames: list[bytes], now: float) -> None:
        self.polls.append((station.unit, frames))

    def refused(self, station: Station, reply: Reply, now: float) -> None:
        self.refusals.append(station.unit)

    def missed(self, station: Station, outcome: Outcome, now: float) -> None:
        self.misses.append((station.unit, outcome))

    def frame(self, direction: str, data: bytes, note: str) -> None:
        self.frames.append((direction, data, note))


def question(unit: int, address: int = STATE, count: int = 4) -> Question:
    return Question(modbus.read_request(unit, address, count), TIMING, "state")


def answer(unit: int, value: int = 0, count: int = 4) -> bytes:
    return modbus.read_answer(unit, value.to_bytes(2 * count, "big"))


def line(units: int = 3, pause_s: float = 0.0) -> tuple[Machine, Heard]:
    heard = Heard()
    machine = Machine(TIMING, heard, pause_s=pause_s)
    machine.rounds.set([Station(unit, (question(unit),)) for unit in range(1, units + 1)])
    machine.polling = True
    machine.link_up(0.0)
    return machine, heard


def send(machine: Machine, now: float) -> tuple[float, bytes]:
    """Advance to the next frame; its moment and bytes."""
    for _ in range(10):
        frame = machine.next_frame(now)
        if frame is not None:
            return now, frame
        assert machine.due >= now
        now = machine.due
    raise AssertionError("nothing is sent")


@pytest.mark.parametrize(
    ("baud", "silence_ms"),
    [(1200, 32.08), (2400, 16.04), (4800, 8.02), (9600, 4.01), (19200, 2.005), (38400, 1.75), (115200, 1.75)],
)
def test_silence_is_three_and_a_half_characters_and_fixed_above_19200(baud: int, silence_ms: float) -> None:
    assert Timing.of(baud).silence_s * 1000 == pytest.approx(silence_ms, abs=0.01)


def test_meters_are_polled_in_order_with_the_silence_between_frames() -> None:
    machine, heard = line()
    now, moments, units = 0.0, [], []
    for _ in range(7):
        now, frame = send(machine, now)
        moments.append(now)
        units.append(frame[0])
        now += 0.2
        machine.on_bytes(now, answer(frame[0]))
    assert units == [1, 2, 3, 1, 2, 3, 1]
    gaps = [later - earlier - 0.2 for earlier, later in itertools.pairwise(moments)]
    assert all(gap == pytest.approx(TIMING.silence_s) for gap in gaps)
    assert [unit for unit, _ in heard.polls] == units


@pytest.mark.parametrize("sizes", [[1] * 13, [5, 8], [12, 1], [2, 2, 9], [13]])
def test_an_answer_may_come_in_any_pieces(sizes: list[int]) -> None:
    machine, heard = line()
    now, _ = send(machine, 0.0)
    frame = answer(1, 77)
    for size in sizes:
        piece, frame = frame[:size], frame[size:]
        machine.on_bytes(now, piece)
        now += 0.001
    assert heard.polls == [(1, [answer(1, 77)])]


def test_an_answer_is_waited_for_one_second_and_the_wire_time() -> None:
    machine, heard = line()
    sent, _ = send(machine, 0.0)
    wire = (8 + 13) * 10 / 9600
    assert machine.due == pytest.approx(sent + 1.0 + wire)
    machine.on_due(machine.due - 0.001)
    assert heard.misses == []
    machine.on_due(machine.due)
    assert heard.misses == [(1, Outcome.TIMEOUT)]


def test_a_late_answer_is_given_to_nobody_and_the_line_waits_until_it_is_over() -> None:
    machine, heard = line()
    sent, _ = send(machine, 0.0)
    machine.on_due(sent + 5)
    machine.on_bytes(sent + 5.001, answer(1, 1))
    now, frame = send(machine, sent + 5.001)
    assert now >= sent + 5.001 + TIMING.silence_s
    assert frame[0] == 2
    assert heard.polls == []


def test_a_late_answer_of_another_meter_is_foreign_and_the_wait_goes_on() -> None:
    machine, heard = line()
    sent, _ = send(machine, 0.0)
    machine.on_due(sent + 5)
    now, frame = send(machine, sent + 5)
    assert frame[0] == 2
    machine.on_bytes(now + 0.05, answer(1, 1))
    machine.on_bytes(now + 0.1, answer(2, 2))
    assert heard.polls == [(2, [answer(2, 2)])]
    assert machine.counters.foreign == 1


def test_a_damaged_answer_is_given_up_soon_and_never_filed() -> None:
    machine, heard = line()
    sent, _ = send(machine, 0.0)
    bad = bytearray(answer(1))
    bad[5] ^= 1
    machine.on_bytes(sent + 0.2, bytes(bad))
    assert machine.due < sent + 0.5
    machine.on_due(machine.due)
    assert heard.misses == [(1, Outcome.CRC)]
    assert machine.counters.crc_errors == 1


def test_an_exception_is_an_answer() -> None:
    machine, heard = line()
    sent, _ = send(machine, 0.0)
    machine.on_bytes(sent + 0.1, modbus.exception_answer(1, 3, 2))
    assert (heard.refusals, heard.misses) == ([1], [])
    assert machine.rounds.failing == []


def test_a_gateway_that_says_no_response_speaks_for_a_silent_meter() -> None:
    machine, heard = line()
    sent, _ = send(machine, 0.0)
    machine.on_bytes(sent + 0.1, modbus.exception_answer(1, 3, 0x0B))
    assert heard.misses == [(1, Outcome.TIMEOUT)]


def test_a_block_that_is_refused_leaves_a_gap_among_the_others() -> None:
    heard = Heard()
    machine = Machine(TIMING, heard)
    machine.rounds.set([Station(1, (question(1), question(1, OTHER, 2)))])
    machine.polling = True
    machine.link_up(0.0)
    now, _ = send(machine, 0.0)
    machine.on_bytes(now + 0.1, answer(1, 9))
    now, _ = send(machine, now + 0.1)
    machine.on_bytes(now + 0.1, modbus.exception_answer(1, 3, 2))
    assert heard.polls == [(1, [answer(1, 9), b""])]


def test_money_goes_before_everything_else_at_the_next_boundary() -> None:
    machine, _ = line()
    done: list[tuple[str, Outcome]] = []

    def ask(name: str, priority: Priority, unit: int) -> None:
        machine.submit(Job(priority, question(unit, OTHER), lambda reply: done.append((name, reply.outcome))))

    now, frame = send(machine, 0.0)
    ask("read-now", Priority.READ_NOW, 7)
    ask("money", Priority.MONEY, 8)
    ask("restore", Priority.RESTORE, 9)
    machine.on_bytes(now + 0.1, answer(frame[0]))
    order = []
    for _ in range(4):
        now, frame = send(machine, now + 0.2)
        order.append(frame[0])
        machine.on_bytes(now + 0.1, answer(frame[0]))
    assert order == [8, 9, 7, 2]
    assert done == [("money", Outcome.ANSWER), ("restore", Outcome.ANSWER), ("read-now", Outcome.ANSWER)]


def test_a_claim_keeps_the_line_until_it_is_given_back() -> None:
    machine, heard = line()
    state: list[str] = []
    replies: list[Reply] = []
    claim = Claim(Priority.MONEY, lambda: state.append("granted"), lambda: state.append("lost"))
    machine.submit(claim)
    assert machine.next_frame(1.0) is None
    assert state == ["granted"]
    assert machine.due == float("inf")
    machine.ask(claim, Job(Priority.MONEY, question(3, OTHER), replies.append))
    now, frame = send(machine, 1.0)
    machine.on_bytes(now + 0.1, answer(3))
    machine.rest(claim, now + 0.1, 2.0)
    machine.ask(claim, Job(Priority.MONEY, question(3, OTHER), replies.append))
    later, _ = send(machine, now + 0.1)
    assert later == pytest.approx(now + 2.1)
    machine.on_bytes(later + 0.1, answer(3))
    assert machine.next_frame(later + 1) is None
    machine.release(claim)
    now, frame = send(machine, later + 1)
    assert frame[0] == 1
    assert [reply.outcome for reply in replies] == [Outcome.ANSWER] * 2
    assert heard.polls == []


def test_the_guard_is_asked_at_the_last_moment() -> None:
    machine, _ = line()
    allowed = True
    replies: list[Reply] = []
    now, frame = send(machine, 0.0)
    machine.submit(Job(Priority.MONEY, question(5, OTHER), replies.append, lambda: allowed))
    allowed = False
    machine.on_bytes(now + 0.1, answer(frame[0]))
    _, frame = send(machine, now + 0.1)
    assert frame[0] == 2
    assert [reply.outcome for reply in replies] == [Outcome.WITHHELD]
    assert not replies[0].sent


def test_a_write_is_answered_only_by_its_own_echo() -> None:
    machine, _ = line(0)
    replies: list[Reply] = []
    write = Question(modbus.write_request(4, 0x050D, [0, 100, 5]), TIMING)
    machine.submit(Job(Priority.MONEY, write, replies.append))
    now, frame = send(machine, 0.0)
    other = modbus.write_answer(modbus.Request(4, modbus.WRITE, 0x0057, 2, (0, 0)))
    machine.on_bytes(now + 0.1, other)
    assert replies == []
    mine = modbus.open_request(frame)
    assert mine is not None
    machine.on_bytes(now + 0.2, modbus.write_answer(mine))
    assert [reply.outcome for reply in replies] == [Outcome.ANSWER]


def test_a_write_without_answer_is_never_sent_again_by_the_line() -> None:
    machine, _ = line(2)
    write = Question(modbus.write_request(1, 0x050D, [0, 100, 5]), TIMING)
    machine.submit(Job(Priority.MONEY, write, lambda reply: None))
    now, sent = 0.0, []
    for _ in range(50):
        now, frame = send(machine, now)
        sent.append(frame)
        now = machine.due
        machine.on_due(now)
    assert sent.count(write.frame) == 1


def test_after_a_time_out_no_question_is_asked_whose_answer_could_be_mistaken_for_the_late_one() -> None:
    machine, _ = line(0)
    replies: list[bytes] = []
    machine.submit(Job(Priority.MONEY, question(1, STATE), lambda reply: replies.append(b"lost")))
    now, _ = send(machine, 0.0)
    gave_up = machine.due
    machine.on_due(gave_up)
    # the same length from the same unit, another register: the late answer would pass for it
    machine.submit(Job(Priority.MONEY, question(1, OTHER), lambda reply: replies.append(reply.body)))
    assert machine.next_frame(gave_up + 1) is None
    machine.on_bytes(gave_up + 3, answer(1, 1))
    now, _frame = send(machine, gave_up + 3)
    assert now == pytest.approx(gave_up + 10, abs=0.1)
    machine.on_bytes(now + 0.1, answer(1, 2))
    assert replies == [b"lost", (2).to_bytes(8, "big")]


def test_a_failing_meter_leaves_the_round_and_the_others_keep_their_pace() -> None:
    machine, heard = line(10)
    now = 0.0
    polls = 0
    dead = {4, 7}
    while now < 120:
        now, frame = send(machine, now)
        if frame[0] in dead:
            now = machine.due
            machine.on_due(now)
        else:
            polls += 1
            now += 0.2
            machine.on_bytes(now, answer(frame[0]))
    misses = {unit: sum(other == unit for other, _ in heard.misses) for unit in dead}
    rounds = polls / 8
    assert all(3 <= count <= rounds for count in misses.values())
    assert all(count <= 10 for count in misses.values())


def test_a_line_of_dead_meters_and_one_living_serves_the_living_one() -> None:
    machine, heard = line(32)
    now = 0.0
    while now < 600:
        now, frame = send(machine, now)
        if frame[0] != 5:
            now = machine.due
            machine.on_due(now)
        else:
            now += 0.2
            machine.on_bytes(now, answer(5))
    assert len(heard.polls) > 4 * len(heard.misses) - 200


def test_with_a_pause_a_round_begins_on_time_or_when_hurried() -> None:
    machine, heard = line(2, pause_s=60)
    now = 0.0
    for _ in range(2):
        now, frame = send(machine, now)
        now += 0.1
        machine.on_bytes(now, answer(frame[0]))
    assert machine.next_frame(now + 1) is None
    assert 58 < machine.due < 61
    machine.rounds.hurry()
    now, frame = send(machine, now + 2)
    assert now < 5
    assert len(heard.polls) == 2


def test_a_lost_link_gives_everything_back() -> None:
    machine, _ = line()
    outcomes: list[object] = []
    send(machine, 0.0)
    machine.submit(Job(Priority.READ_NOW, question(1, OTHER), lambda reply: outcomes.append(reply.outcome)))
    machine.submit(Claim(Priority.MONEY, lambda: outcomes.append("granted"), lambda: outcomes.append("lost")))
    machine.link_down()
    assert sorted(map(str, outcomes)) == ["closed", "lost"]
    assert machine.next_frame(1.0) is None
    machine.submit(Job(Priority.READ_NOW, question(1, OTHER), lambda reply: outcomes.append(reply.outcome)))
    assert len(outcomes) == 3
    machine.link_up(2.0)
    assert send(machine, 2.0)[1][0] == 1


def test_a_link_lost_in_the_quiet_after_a_money_frame_ends_the_question_that_waits_for_it() -> None:
    machine, _ = line()
    machine.polling = False
    outcomes: list[object] = []
    claim = Claim(Priority.MONEY, lambda: outcomes.append("granted"), lambda: outcomes.append("lost"))
    machine.submit(claim)
    assert machine.next_frame(1.0) is None
    machine.rest(claim, 1.0, 2.0)
    machine.ask(claim, Job(Priority.MONEY, question(1, OTHER), lambda reply: outcomes.append(reply.outcome)))
    assert machine.next_frame(1.5) is None
    machine.link_down()
    assert outcomes == ["granted", Outcome.CLOSED, "lost"]


def test_without_leave_to_poll_nothing_is_polled() -> None:
    machine, _ = line()
    machine.polling = False
    assert machine.next_frame(1.0) is None
    assert machine.due == float("inf")


def test_no_value_is_filed_under_another_meter_or_register_whatever_arrives_late() -> None:
    wrong, filed = attribution(Random(20261123), exchanges=20_000)
    assert wrong == 0
    assert filed > 10_000


def attribution(random: Random, exchanges: int) -> tuple[int, int]:
    """Polls and other questions on a line where a fifth of the answers are late or somebody else's. Wrong and right ones."""
    heard = Heard()
    machine = Machine(TIMING, heard)
    shapes = [(STATE, 4), (OTHER, 4), (0x0400, 4), (0x0043, 3)]
    machine.rounds.set([Station(unit, (question(unit),)) for unit in range(1, 9)])
    machine.polling = True
    machine.link_up(0.0)
    wrong = filed = 0
    under_way: list[tuple[float, bytes]] = []

    def truth(unit: int, address: int, count: int) -> bytes:
        return modbus.read_answer(unit, bytes((unit, address >> 8, address & 0xFF, 9) * 4)[: 2 * count])

    def judge(unit: int, address: int, count: int) -> Callable[[Reply], None]:
        def done(reply: Reply) -> None:
            nonlocal wrong, filed
            if reply.outcome is Outcome.ANSWER:
                filed += 1
                wrong += reply.raw != truth(unit, address, count)

        return done

    now = 0.0
    for _ in range(exchanges):
        if random.random() < 0.2:
            unit = random.randint(1, 8)
            address, count = random.choice(shapes)
            machine.submit(Job(Priority.READ_NOW, question(unit, address, count), judge(unit, address, count)))
        frame = None
        while frame is None:
            frame = machine.next_frame(now)
            if frame is None:
                under_way.sort()
                if under_way and under_way[0][0] <= machine.due:
                    at, data = under_way.pop(0)
                    now = max(now, at)
                    machine.on_bytes(now, data)
                else:
                    now = machine.due
        request = modbus.open_request(frame)
        assert request is not None
        delay = random.uniform(0.03, 0.3)
        chance = random.random()
        if chance < 0.1:
            delay += random.uniform(0.9, 4.0)
        if 0.1 <= chance < 0.2:
            # somebody else speaks up in the middle of this exchange
            other = request.unit % 8 + 1
            under_way.append((now + random.uniform(0.001, 0.02), truth(other, STATE, 4)))
        under_way.append((now + delay, truth(request.unit, request.address, request.count)))
        while machine.waiting:
            under_way.sort()
            if under_way and under_way[0][0] < machine.due:
                at, data = under_way.pop(0)
                now = max(now, at)
                machine.on_bytes(now, data)
            else:
                now = max(now, machine.due)
                machine.on_due(now)
    for unit, frames in heard.polls:
        filed += 1
        wrong += frames != [truth(unit, STATE, 4)]
    return wrong, filed
