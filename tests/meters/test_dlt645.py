"""DL/T 645-2007 on the byte: published vectors, cutting and attribution, errors in words, long items, orders."""

from __future__ import annotations

from datetime import datetime

import pytest

from prewatt.meters import dlt645, dlt645_words
from prewatt.meters.dlt645 import Reading, cut, open_frame, read_request
from prewatt.meters.dlt645_orders import (
    CLOSE,
    KEEP_OFF,
    KEEP_ON,
    RECHARGE,
    TRIP,
    TRIP_RESTORE,
    Access,
    broadcast_time,
    control_request,
    recharge_request,
    write_request,
)  # fmt: skip
from prewatt.meters.modbus import CutKind

METER = "000000000161"
OTHER = "230600000002"
PLAIN = Access(0x02, "000000")
NEW_YEAR = datetime(2025, 12, 31)


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


READ_ENERGY = octets("FE FE FE FE 68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16")
ENERGY = octets("68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16")
READ_CREDIT = octets("68 61 01 00 00 00 00 68 11 04 33 35 C3 33 A5 16")
CREDIT = octets("68 61 01 00 00 00 00 68 91 08 33 35 C3 33 58 83 34 33 6B 16")
READ_STATUS = octets("68 61 01 00 00 00 00 68 11 04 36 38 33 37 1F 16")
CONTROL = "68 61 01 00 00 00 00 68 1C 10 35 33 33 33 33 33 33 33 "
COMMANDS = {
    TRIP: octets(CONTROL + "4D 33 33 33 33 64 45 58 12 16"),
    CLOSE: octets(CONTROL + "4F 33 33 33 33 64 45 58 14 16"),
    KEEP_ON: octets(CONTROL + "6D 33 33 33 33 64 45 58 32 16"),
    KEEP_OFF: octets(CONTROL + "6E 33 33 33 33 64 45 58 33 16"),
}


# -- vectors ----------------------------------------------------------------------------------------------------------


def test_reads_are_the_published_frames() -> None:
    assert read_request(METER, 0x00010000, wakes=4) == READ_ENERGY
    assert read_request(METER, 0x00900200) == READ_CREDIT
    assert read_request(METER, 0x04000503) == READ_STATUS


@pytest.mark.parametrize(
    ("request_", "answer", "identifier", "count", "shown"),
    [
        (READ_ENERGY, ENERGY, 0x00010000, 26, "forward active energy = 0.26 kWh"),
        (READ_CREDIT, CREDIT, 0x00900200, 15_025, "remaining money = 150.25 yuan"),
    ],
)
def test_answers_are_the_published_values(
    request_: bytes, answer: bytes, identifier: int, count: int, shown: str
) -> None:
    for wakes in range(5):
        found = cut(request_, b"\xfe" * wakes + answer)
        assert found.kind is CutKind.ANSWER
        assert found.answer is not None
        assert (found.answer.unit, found.answer.frame, found.answer.follows) == (METER, answer, False)
        assert dlt645_words.decode(identifier, found.answer.body) == (count,)
        assert dlt645_words.shown(identifier, found.answer.body) == shown
        assert dlt645.item(found.answer.frame) == found.answer.body


@pytest.mark.parametrize("command", COMMANDS)
def test_orders_to_the_contactor_are_the_published_frames(command: int) -> None:
    assert control_request(METER, command, PLAIN, NEW_YEAR, wakes=0) == COMMANDS[command]


# -- parts ------------------------------------------------------------------------------------------------------------


def test_an_address_is_up_to_twelve_digits_low_byte_first() -> None:
    assert dlt645.address_bytes("161") == octets("61 01 00 00 00 00")
    assert dlt645.address_text(octets("61 01 00 00 00 00")) == METER
    assert dlt645.address_bytes(dlt645.WILDCARD) == b"\xaa" * 6
    assert dlt645.address_bytes(dlt645.BROADCAST) == b"\x99" * 6
    for wrong in ("1234567890123", "12A4", "１２", "-1"):
        with pytest.raises(ValueError, match="12 decimal digits"):
            dlt645.address_bytes(wrong)


def test_what_does_not_fit_a_frame_is_not_built() -> None:
    with pytest.raises(ValueError, match="201 bytes"):
        dlt645.build(METER, dlt645.READ, bytes(201))
    with pytest.raises(ValueError, match="wake-up"):
        dlt645.build(METER, dlt645.READ, wakes=5)
    with pytest.raises(ValueError, match="more than 50"):
        write_request(METER, 0x04001001, bytes(43), PLAIN)
    assert open_frame(ENERGY[:-1]) is None
    assert open_frame(ENERGY[:-2] + b"\x00\x16") is None
    assert open_frame(b"") is None


def test_packed_decimals_keep_sign_and_refuse_what_is_no_digit() -> None:
    assert dlt645_words.packed(-12_345, 3, signed=True) == octets("45 23 81")
    assert dlt645_words.decimal(octets("45 23 81"), signed=True) == -12_345
    assert dlt645_words.decimal(octets("45 23 81")) == 812_345
    assert dlt645_words.decimal(b"\xff\xff") is None
    for value, size in ((100, 1), (-1, 2)):
        with pytest.raises(ValueError, match="does not fit"):
            dlt645_words.packed(value, size)


# -- whose answer -----------------------------------------------------------------------------------------------------


def reply(address: str, identifier: int, body: bytes, control: int = 0x91) -> bytes:
    return dlt645.build(address, control, dlt645.identifier_bytes(identifier) + body)


@pytest.mark.parametrize(
    "stranger",
    [
        reply(OTHER, 0x00900200, bytes(4)),  # another meter
        reply(METER, 0x00010000, bytes(4)),  # another item
        reply(METER, 0x00900200, bytes(4), 0x94),  # another function
        read_request(OTHER, 0x00900200),  # a question
        dlt645.build(METER, 0x91, b"\x00"),  # too short to name an item
    ],
)
def test_an_answer_counts_only_from_that_meter_to_that_question(stranger: bytes) -> None:
    found = cut(READ_CREDIT, stranger + CREDIT)
    assert (found.kind, found.consumed, found.answer) == (CutKind.FOREIGN, len(stranger), None)
    rest = (stranger + CREDIT)[found.consumed :]
    assert cut(READ_CREDIT, rest).kind is CutKind.ANSWER


def test_our_own_echo_is_no_answer() -> None:
    found = cut(READ_ENERGY, READ_ENERGY + b"\xfe\xfe" + ENERGY)
    assert found.kind is CutKind.ANSWER
    assert found.consumed == len(READ_ENERGY) + 2 + len(ENERGY)


def test_a_damaged_answer_is_corrupt_and_the_next_is_found_behind_it() -> None:
    damaged = bytearray(CREDIT)
    damaged[15] ^= 0x01
    found = cut(READ_CREDIT, bytes(damaged) + CREDIT)
    assert (found.kind, found.consumed) == (CutKind.CORRUPT, 1)
    rest = (bytes(damaged) + CREDIT)[1:]
    while (found := cut(READ_CREDIT, rest)).kind is not CutKind.ANSWER:
        assert found.consumed
        rest = rest[found.consumed :]
    assert found.consumed == len(rest)


def test_a_lonely_start_byte_hides_the_answer_only_until_the_deadline() -> None:
    held = b"\x68" + CREDIT[:12]
    assert cut(READ_CREDIT, held) == (CutKind.INCOMPLETE, 1, None)
    junk = b"\x68\x01\x02\x03\x04\x05\x06\x68\x91\xc8" + CREDIT  # a head that promises 200 bytes
    assert cut(READ_CREDIT, junk).kind is CutKind.INCOMPLETE
    assert cut(READ_CREDIT, junk, final=True).kind is CutKind.ANSWER


def test_the_only_meter_on_a_line_tells_its_address() -> None:
    asked = dlt645.address_request()
    told = dlt645.build(OTHER, 0x93, dlt645.address_bytes(OTHER))
    found = cut(asked, told)
    assert found.answer is not None
    assert (found.answer.unit, dlt645.address_text(found.answer.body)) == (OTHER, OTHER)


# -- a no in words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "words", "explained"),
    [
        (READ_CREDIT, b"\x02", ("no-such-data",)),
        (READ_CREDIT, b"\x05", ("other", "not-authorised")),
        (READ_CREDIT, b"", ()),
        (COMMANDS[TRIP], b"\x20\x00", ("trip-refused",)),
        (COMMANDS[TRIP], b"\x14\x00", ("password", "time-invalid")),
        (COMMANDS[TRIP], b"\x04", ("not-authorised",)),
        (write_request(METER, 0x04001001, bytes(4), PLAIN), b"\x80", ("bit-7",)),
    ],
)
def test_a_refusal_is_explained(request_: bytes, words: bytes, explained: tuple[str, ...]) -> None:
    asked = open_frame(request_)
    assert asked is not None
    found = cut(request_, dlt645.refusal(asked, METER, words))
    assert found.kind is CutKind.ANSWER
    assert found.answer is not None
    assert found.answer.exception
    assert dlt645_words.explain(found.answer.exception) == explained


def test_refusals_never_look_like_those_of_modbus() -> None:
    lowest = min(dlt645.DER, dlt645.SERR, dlt645.CONTROL_REFUSED)
    assert lowest > 0xFF
    assert dlt645_words.explain(dlt645.SERR | 0x0022) == ("repeat-recharge", "wrong-count")
    assert dlt645_words.named(0x500, dlt645_words.EXECUTED_BITS) == ("keep-power", "alarm")


def test_status_words() -> None:
    three = dlt645_words.status_word_3((1 << 4 | 1 << 6 | 1 << 9 | 1 << 12).to_bytes(2, "little"))
    assert (three.contactor_open, three.open_ordered, three.purse, three.keep_power) == (True, True, "money", True)
    assert (three.pretrip_alarm, three.not_opened, three.supply) == (False, False, 0)
    assert dlt645_words.status_word_3(b"\x00\x01").purse == "energy"
    one = dlt645_words.status_word_1((1 << 14 | 1 << 2).to_bytes(2, "little"))
    assert (one.overdrawn, one.battery_low, one.clock_error) == (True, True, False)


# -- long items -------------------------------------------------------------------------------------------------------


def test_a_long_item_is_read_frame_by_frame() -> None:
    reading = Reading(METER, 0x0001FF00, wakes=0)
    whole = bytes(range(20))
    parts = [whole[at : at + 8] for at in range(0, 20, 8)]
    for number, part in enumerate(parts):
        asked = open_frame(reading.frame)
        assert asked is not None
        assert asked.function == (dlt645.FOLLOW if number else dlt645.READ)
        content = asked.data[:4] + part + (bytes((number,)) if number else b"")
        answered = cut(reading.frame, dlt645.answer(asked, METER, content, follows=number < 2))
        assert answered.answer is not None
        assert answered.answer.sequence == number
        result = reading.take(answered.answer)
        assert result == (whole if number == 2 else None)


def test_a_following_frame_of_another_number_is_foreign() -> None:
    asked = dlt645.follow_request(METER, 0x0001FF00, 2)
    first = dlt645.build(METER, 0x92, dlt645.identifier_bytes(0x0001FF00) + b"\x11\x01")
    assert cut(asked, first).kind is CutKind.FOREIGN


def test_an_item_that_never_ends_is_given_up() -> None:
    reading = Reading(METER, 0x0001FF00)
    endless = dlt645.Answer(METER, dlt645.READ, b"\x00", 0, b"", True, 0)
    for _ in range(Reading.MOST_FRAMES):
        reading.take(endless)
    with pytest.raises(ValueError, match="following frames"):
        reading.take(endless)


# -- orders -----------------------------------------------------------------------------------------------------------


def test_time_goes_to_all_and_asks_nobody() -> None:
    frame = broadcast_time(datetime(2025, 11, 20, 14, 30, 5), wakes=0)
    sent = open_frame(frame)
    assert sent == (dlt645.BROADCAST, dlt645.TIME, octets("05 30 14 20 11 25"))


def test_a_trip_that_restores_itself_counts_in_five_minutes() -> None:
    sent = open_frame(control_request(METER, TRIP_RESTORE, PLAIN, NEW_YEAR, restore_s=1_500))
    assert sent is not None
    assert sent.data[8:10] == bytes((0x1D, 5))
    for command, restore in ((TRIP_RESTORE, 0), (TRIP_RESTORE, 301), (TRIP, 300), (TRIP_RESTORE, 300 * 256)):
        with pytest.raises(ValueError, match="no time to restore after"):
            control_request(METER, command, PLAIN, NEW_YEAR, restore_s=restore)
    with pytest.raises(ValueError, match="is no command"):
        control_request(METER, 0x55, PLAIN, NEW_YEAR)


def test_a_password_class_sent_in_clear_is_02_03_or_04_and_never_printed() -> None:
    access = Access(0x04, "123456", 7)
    assert access.raw == octets("04 56 34 12 07 00 00 00")
    assert "123456" not in repr(access)
    for level, password in ((0x98, "000000"), (0x02, "12345"), (0x02, "abcdef")):
        with pytest.raises(ValueError, match=r"class|digits"):
            Access(level, password)


class Seal:
    """A signer that seals everything alike."""

    def __init__(self, mac: bytes = b"\x01\x02\x03\x04") -> None:
        self.mac = mac
        self.signed: list[tuple[str, bytes]] = []

    def sign(self, address: str, content: bytes) -> bytes:
        self.signed.append((address, content))
        return self.mac


def test_a_purchase_carries_two_macs_of_the_signer() -> None:
    seal = Seal()
    sent = open_frame(recharge_request(METER, n=8, amount=10_000, customer="161", operator=1, signer=seal))
    assert sent is not None
    assert (sent.function, sent.identifier) == (dlt645.SECURITY, RECHARGE)
    purchase, customer = octets("10 27 00 00 08 00 00 00"), octets("61 01 00 00 00 00")
    assert sent.data[4:] == octets("01 00 00 00") + purchase + seal.mac + customer + seal.mac
    assert seal.signed == [(METER, purchase), (METER, customer)]


def test_a_purchase_that_cannot_be_written_is_refused() -> None:
    for changes in ({"n": 0}, {"amount": 0}, {"amount": -5}, {"amount": 1 << 32}, {"customer": "x"}):
        facts = {"n": 8, "amount": 10_000, "customer": "161", "operator": 1} | changes
        with pytest.raises(ValueError, match=r"cannot be written|customer number"):
            recharge_request(METER, signer=Seal(), **facts)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="four bytes"):
        recharge_request(METER, n=8, amount=1, customer="1", operator=1, signer=Seal(b"\x01"))


def test_the_length_of_a_frame_is_known_from_its_head() -> None:
    assert dlt645.frame_length(b"\xfe\xfe") is None
    assert dlt645.frame_length(READ_ENERGY[:13]) is None
    assert dlt645.frame_length(READ_ENERGY[:14]) == len(READ_ENERGY)
    assert dlt645.frame_length(b"\x01\x03\x02\x00") == 0
    assert dlt645.frame_length(b"\x68\x03\x02\x00\x00\x30\x44\x66") == 0  # unit 104 of Modbus
