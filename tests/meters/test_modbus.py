"""Frames: our code makes the published bytes, and answers are attributed or refused, never guessed."""

from __future__ import annotations

import pytest

from prewatt.meters import modbus
from prewatt.meters.modbus import Answer, CutKind, cut
from tests.meters import vectors
from tests.meters.vectors import POLL, POLL_ANSWER, POLL_BODY


@pytest.mark.parametrize(("frame", "address", "count"), vectors.READS.values(), ids=vectors.READS.keys())
def test_a_read_request_equals_its_vector(frame: bytes, address: int, count: int) -> None:
    assert modbus.read_request(1, address, count) == frame
    assert modbus.open_request(frame) == modbus.Request(1, modbus.READ, address, count, ())


@pytest.mark.parametrize(
    ("frame", "words"),
    [(vectors.FORCED_TRIP, (1, 1)), (vectors.KEEP_POWER, (1, 0)), (vectors.BACK_TO_PREPAID, (0, 0))],
    ids=["forced trip", "keep power", "back to prepaid"],
)
def test_a_write_request_equals_its_vector(frame: bytes, words: tuple[int, ...]) -> None:
    assert modbus.write_request(1, 0x0057, words) == frame
    assert modbus.open_request(frame) == modbus.Request(1, modbus.WRITE, 0x0057, 2, words)
    assert modbus.request_length(frame[:7]) == len(frame)


def test_the_vendor_clock_vector_holds_its_crc_and_structure() -> None:
    frame = vectors.FC20_CLOCK
    assert modbus.sound(frame)
    assert frame[:2] == b"\x01\x20"
    assert frame[2:4] == b"\x03\x54"  # area 03, clock
    registers, size = int.from_bytes(frame[4:6]), frame[6]
    assert (registers, size) == (5, 10)
    assert len(frame) == 7 + size + 2
    second, minute, hour, weekday, day, month, year = frame[7:14]
    assert (year, month, day, hour, minute, second, weekday) == (25, 11, 12, 14, 30, 0, 3)
    assert frame[14:17] == bytes(3)


def test_the_poll_answer_is_cut_whole() -> None:
    assert len(POLL_ANSWER) == 101
    assert modbus.read_answer(1, POLL_BODY) == POLL_ANSWER
    found = cut(POLL, POLL_ANSWER)
    assert found == (CutKind.ANSWER, 101, Answer(1, 3, POLL_BODY, 0))


@pytest.mark.parametrize(
    ("unit", "address", "count"), [(0, 0, 1), (248, 0, 1), (1, 0, 0), (1, 0, 126), (1, 0xFFFF, 2), (1, -1, 1)]
)
def test_a_read_outside_the_protocol_is_refused(unit: int, address: int, count: int) -> None:
    with pytest.raises(ValueError, match=r"is not|is outside|are not"):
        modbus.read_request(unit, address, count)


@pytest.mark.parametrize("words", [(), (0x10000,), (-1,), (0,) * 124])
def test_a_write_outside_the_protocol_is_refused(words: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"holds 0 to 65535|are not"):
        modbus.write_request(1, 0, words)


def test_a_single_write_is_six_and_its_answer_is_its_echo() -> None:
    request = modbus.write_single(7, 0x0063, 1)
    assert request[:6] == bytes.fromhex("07 06 00 63 00 01")
    assert cut(request, request) == (CutKind.ANSWER, 8, Answer(7, 6, request[2:6], 0))
    with pytest.raises(ValueError, match="65535"):
        modbus.write_single(7, 0, 0x10000)


def test_the_answer_to_a_block_write_repeats_its_head() -> None:
    request = modbus.open_request(vectors.KEEP_POWER)
    assert request is not None
    answer = modbus.write_answer(request)
    assert cut(vectors.KEEP_POWER, answer).kind is CutKind.ANSWER
    other = modbus.write_answer(modbus.Request(1, modbus.WRITE, 0x0058, 2, (0, 0)))
    assert cut(vectors.KEEP_POWER, other).kind is CutKind.FOREIGN


def test_an_exception_is_an_answer_of_five_bytes() -> None:
    answer = modbus.exception_answer(1, 3, 2)
    assert len(answer) == 5
    assert cut(POLL, answer) == (CutKind.ANSWER, 5, Answer(1, 3, b"", 2))
    assert modbus.expected_length(POLL, answer[:2]) is None
    assert modbus.expected_length(POLL, answer[:3]) == 5


@pytest.mark.parametrize(
    "frame",
    [
        modbus.read_answer(2, POLL_BODY),  # another unit
        modbus.read_answer(1, POLL_BODY[:12]),  # another length: the late answer to a shorter read
        modbus.write_answer(modbus.Request(1, modbus.WRITE, 0x0057, 2, (0, 0))),  # another function
        modbus.exception_answer(1, modbus.WRITE, 3),  # an exception to another function
        modbus.exception_answer(2, modbus.READ, 3),  # an exception of another unit
    ],
)
def test_what_was_not_asked_is_foreign_and_the_answer_behind_it_is_found(frame: bytes) -> None:
    stream = frame + POLL_ANSWER
    first = cut(POLL, stream)
    assert (first.kind, first.consumed) == (CutKind.FOREIGN, len(frame))
    assert cut(POLL, stream[first.consumed :]).kind is CutKind.ANSWER


def test_a_flipped_bit_is_corrupt_and_the_sound_answer_behind_it_is_found() -> None:
    torn = bytearray(POLL_ANSWER)
    torn[62] ^= 0x10
    stream = bytes(torn) + POLL_ANSWER
    kinds = []
    while (found := cut(POLL, stream, final=True)).kind is not CutKind.ANSWER:
        kinds.append(found.kind)
        stream = stream[found.consumed :]
    assert kinds[0] is CutKind.CORRUPT
    assert found.answer is not None
    assert found.answer.body == POLL_BODY


def test_junk_before_an_answer_is_dropped() -> None:
    assert cut(POLL, b"\x00\xff\x07" + POLL_ANSWER) == (CutKind.ANSWER, 104, Answer(1, 3, POLL_BODY, 0))


def test_a_two_wire_adapter_that_hears_itself_does_no_harm() -> None:
    for request in (POLL, vectors.KEEP_POWER):
        parts = modbus.open_request(request)
        assert parts is not None
        answer = POLL_ANSWER if request == POLL else modbus.write_answer(parts)
        found = cut(request, request + answer)
        assert (found.kind, found.consumed) == (CutKind.ANSWER, len(request) + len(answer))
        for size in range(1, len(request)):
            assert cut(request, request[:size]).kind is CutKind.INCOMPLETE


def test_a_front_that_may_be_a_longer_frame_is_waited_for_until_the_deadline() -> None:
    stream = bytes.fromhex("05 03 FA") + POLL_ANSWER
    assert cut(POLL, stream).kind is CutKind.INCOMPLETE
    found = cut(POLL, stream, final=True)
    assert (found.kind, found.consumed) == (CutKind.ANSWER, len(stream))


def test_expected_length_follows_the_frame_that_came() -> None:
    assert modbus.answer_length(POLL) == 101
    assert modbus.answer_length(vectors.KEEP_POWER) == 8
    assert modbus.expected_length(POLL, b"") is None
    assert modbus.expected_length(POLL, POLL_ANSWER[:3]) == 101
    assert modbus.expected_length(POLL, b"\x02\x03\x0c") == 17  # a foreign answer on the way
    assert modbus.expected_length(POLL, b"\x00\x00\x00") == 101  # no frame at all


def test_a_request_is_refused_when_torn() -> None:
    assert modbus.open_request(POLL[:-1] + b"\x00") is None
    assert modbus.open_request(POLL[:5]) is None
    assert modbus.open_request(modbus.seal(bytes.fromhex("01 10 00 57 00 02 06 00 01 00 01"))) is None
    assert modbus.open_request(modbus.seal(bytes.fromhex("01 03 00 57 00 02 06"))) is None
    assert modbus.request_length(b"\x01") is None
    assert modbus.request_length(POLL[:2]) == 8
    assert modbus.request_length(vectors.KEEP_POWER[:6]) is None


def test_modbus_tcp_carries_the_same_frames() -> None:
    wrapped = modbus.mbap_wrap(0x1_2345, POLL)
    assert wrapped == bytes.fromhex("23 45 00 00 00 06 01 03 02 00 00 30")
    stream = wrapped + modbus.mbap_wrap(9, POLL_ANSWER)
    first = modbus.mbap_cut(stream)
    assert first == (12, 0x2345, POLL, False)
    assert modbus.mbap_cut(stream[12:]).frame == POLL_ANSWER
    for size in range(12):
        assert modbus.mbap_cut(stream[:size]).frame is None


@pytest.mark.parametrize("head", ["00 01 00 01 00 06 01", "00 01 00 00 00 01 01", "00 01 00 00 01 00 01"])
def test_a_modbus_tcp_stream_without_a_header_is_lost(head: str) -> None:
    assert modbus.mbap_cut(bytes.fromhex(head)).lost
