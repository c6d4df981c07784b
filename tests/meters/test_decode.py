"""Decoding: the published answer gives the stated values, and what a bit means does not depend on the page."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest

from prewatt.core.supply import ContactorState, MeterFlag, SupplyMode
from prewatt.meters import registry
from prewatt.meters.decode import decoder, digits, epoch
from prewatt.meters.row import ABSENT, CONTACTOR_CODES, EMPTY_ROW, MODE_CODES, ROW, ReadingRow
from prewatt.meters.snapshot import snapshot
from tests.meters.vectors import POLL_ANSWER, POLL_BODY, with_bytes

SINGLE, THREE = "acrel-ddsy1352-nk", "acrel-dtsy1352-nk"
CLOCK = int(datetime(2025, 11, 20, 14, 30, tzinfo=UTC).timestamp())
F = MeterFlag


def row(name: str, body: bytes = POLL_BODY, **more: bytes) -> ReadingRow:
    return decoder(registry.get(name)).row(7, 1_000, 1, {"state": body, **more})


def test_the_published_answer_gives_the_stated_values() -> None:
    found = row(THREE)
    assert found == ReadingRow(
        meter_id=7, at_ms=1_000, store=1, energy_wh=12_345_670, sharp_wh=1_234_560, peak_wh=4_567_890,
        flat_wh=3_456_780, valley_wh=3_086_440, deep_wh=ABSENT, credit=15_025, total_purchased=ABSENT, purchase_number=7,
        power_w=8_110, voltage_a=2_203, voltage_b=2_198, voltage_c=2_210, current_a=1_234, current_b=1_180,
        current_c=1_302, power_factor=990, contactor=CONTACTOR_CODES.index("closed"), mode=MODE_CODES.index("prepaid"),
        flags=F.PREPAID_ENABLED, meter_clock=CLOCK,
    )  # fmt: skip
    assert found.energy_wh == found.sharp_wh + found.peak_wh + found.flat_wh + found.valley_wh


def test_a_single_phase_meter_is_read_by_phase_a_and_the_totals() -> None:
    found = row(SINGLE)
    assert (found.voltage_a, found.current_a, found.power_w) == (2_203, 1_234, 8_110)
    assert {found.voltage_b, found.voltage_c, found.current_b, found.current_c} == {ABSENT}
    assert (found.energy_wh, found.credit, found.purchase_number) == (12_345_670, 15_025, 7)


def test_the_state_needs_nothing_but_the_one_block() -> None:
    assert row(THREE, total=(10_000).to_bytes(4)).total_purchased == 10_000
    assert row(THREE).total_purchased == ABSENT


def test_a_row_packs_and_unpacks() -> None:
    found = row(THREE)
    assert ReadingRow._make(ROW.unpack(ROW.pack(*found))) == found
    assert ReadingRow._make(ROW.unpack(ROW.pack(*EMPTY_ROW))) == EMPTY_ROW


def test_credit_and_power_may_be_negative() -> None:
    body = with_bytes(POLL_BODY, at62=0xFF, at63=0xFF, at64=0xFF, at65=0x9C, at20=0xFF, at21=0xFE)
    assert (row(THREE, body).credit, row(THREE, body).power_w) == (-100, -2)


@pytest.mark.parametrize(
    ("high_1", "low_1", "high_2", "low_2", "contactor", "mode", "flags"),
    [
        (0xE0, 0x0F, 0x07, 0x77, "closed", "prepaid", F.PREPAID_ENABLED),
        # the purse has opened it: arrears
        (0x00, 0x28, 0x07, 0x77, "open", "prepaid", F.PREPAID_ENABLED | F.ARREARS | F.PREPAID_OPEN),
        (0xE0, 0x4F, 0x07, 0x77, "closed", "prepaid", F.PREPAID_ENABLED | F.LOW_1),
        (0xE0, 0xCF, 0x07, 0x77, "closed", "prepaid", F.PREPAID_ENABLED | F.LOW_1 | F.LOW_2),
        # load control has opened it
        (0x00, 0x1F, 0x08, 0x77, "open", "prepaid", F.PREPAID_ENABLED | F.OVERLOAD | F.LOAD_CONTROL_OPEN),
        # load control says open but is not enabled
        (0xE0, 0x0F, 0x00, 0x77, "closed", "prepaid", F.PREPAID_ENABLED),
        (0x00, 0x0F, 0x07, 0x87, "open", "prepaid", F.PREPAID_ENABLED | F.TIME_CONTROL_OPEN),
        # forced: it alone decides
        (0xE0, 0x28, 0x07, 0x7F, "closed", "held-on", F.PREPAID_ENABLED | F.ARREARS | F.PREPAID_OPEN),
        (0x00, 0x0F, 0x07, 0x78, "open", "forced-off", F.PREPAID_ENABLED),
        (0x00, 0x0F, 0x07, 0x70, "open", "prepaid", F.PREPAID_ENABLED),
        (0x01, 0x00, 0x00, 0x00, "open", "prepaid", F.FAULT),
    ],
)
@pytest.mark.parametrize("name", [SINGLE, THREE])
def test_status_bits(
    name: str, high_1: int, low_1: int, high_2: int, low_2: int, contactor: str, mode: str, flags: MeterFlag
) -> None:
    found = row(name, with_bytes(POLL_BODY, at72=high_1, at73=low_1, at74=high_2, at75=low_2))
    assert (CONTACTOR_CODES[found.contactor], MODE_CODES[found.mode]) == (contactor, mode)
    assert F(found.flags) == flags


def test_any_closed_phase_of_a_three_phase_meter_is_closed() -> None:
    only_c = with_bytes(POLL_BODY, at72=0x80)
    assert CONTACTOR_CODES[row(THREE, only_c).contactor] == "closed"
    assert CONTACTOR_CODES[row(SINGLE, only_c).contactor] == "open"  # a single-phase meter has relay L1 only


def test_one_open_phase_of_load_control_is_told() -> None:
    found = row(THREE, with_bytes(POLL_BODY, at74=0x0D))
    assert F.LOAD_CONTROL_OPEN in F(found.flags)


@pytest.mark.parametrize(
    "clock", ["19 0D 14 04 0E 1E 00", "19 0B 1F 04 0E 1E 00", "19 0B 14 04 18 1E 00", "19 0B 14 04 0E 3C 00", "00" * 7, "FF" * 7]
)  # fmt: skip
def test_a_clock_that_makes_no_sense_is_absent(clock: str) -> None:
    body = bytearray(POLL_BODY)
    body[80:87] = bytes.fromhex(clock)
    assert row(THREE, bytes(body)).meter_clock == ABSENT


def test_a_leap_day_is_a_day() -> None:
    expected = datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC).timestamp()
    assert epoch(bytes([28, 2, 29, 2, 23, 59, 59])) == expected
    assert epoch(bytes([28, 2, 29, 23, 59, 59])) == expected
    assert epoch(bytes([27, 2, 29, 23, 59, 59])) == ABSENT


@pytest.mark.parametrize(
    ("bcd", "text"),
    [("20 25 00 00 01 23", "202500000123"), ("00 00 00 00 00 01", "000000000001"), ("00" * 6, None), ("FF" * 6, None),
     ("20 25 00 0A 01 23", None)],
)  # fmt: skip
def test_a_serial_is_twelve_digits_or_nothing(bcd: str, text: str | None) -> None:
    assert digits(bytes.fromhex(bcd)) == text


def test_a_frame_is_decoded_only_when_its_crc_holds() -> None:
    reader = decoder(registry.get(THREE))
    values = reader.decode_frame("state", POLL_ANSWER)
    assert values == reader.decode("state", POLL_BODY)
    assert values is not None
    named = dict(zip(reader.names("state"), values, strict=True))
    assert (named["model"], named["energy"], named["credit"], named["purchase_number"]) == (5, 1_234_567, 15_025, 7)
    for place in range(len(POLL_ANSWER)):
        torn = bytearray(POLL_ANSWER)
        torn[place] ^= 0x01
        assert reader.decode_frame("state", bytes(torn)) is None


def test_a_body_of_another_length_is_refused() -> None:
    with pytest.raises(struct.error):
        decoder(registry.get(THREE)).decode("state", POLL_BODY[:-2])


def test_two_polls_that_differ_by_the_meters_clock_only_are_the_same() -> None:
    reader = decoder(registry.get(THREE))
    later = with_bytes(POLL_BODY, at86=0x1E, at85=0x1F)
    assert later != POLL_BODY
    assert reader.same("state", later, POLL_BODY)
    for place in (*range(80), *range(87, 96)):
        assert not reader.same("state", with_bytes(POLL_BODY, **{f"at{place}": POLL_BODY[place] ^ 1}), POLL_BODY)
    assert not reader.same("state", POLL_BODY[:-2], POLL_BODY)


def test_a_snapshot_is_for_people() -> None:
    profile = registry.get(THREE)
    found = snapshot(profile, {"state": POLL_BODY, "identity": bytes.fromhex("202511200001")})
    printed = {name: str(quantity) for name, quantity in found.quantities.items()}
    assert printed["energy"] == "12345.67 kWh"
    assert printed["credit"] == "150.25 yuan"
    assert printed["power"] == "8.110 kW"
    assert printed["voltage_b"] == "219.8 V"
    assert printed["current_c"] == "13.02 A"
    assert printed["power_factor"] == "0.990"
    assert printed["purchase_number"] == "7"
    assert found.quantities["credit"].register == 0x021F
    assert found.quantities["energy"].proof.verified == "public"
    assert found.quantities["credit"].proof.verified == "no"
    assert (found.contactor, found.mode) == (ContactorState.CLOSED, SupplyMode.PREPAID)
    assert found.flags == MeterFlag.PREPAID_ENABLED
    assert (found.serial, found.clock) == ("202511200001", CLOCK)
    assert found.bits["forced_closed_c"]
    assert found.value("deep") is None
    owed = snapshot(profile, {"state": with_bytes(POLL_BODY, at62=0xFF, at63=0xFF, at64=0xFF, at65=0xFB)})
    assert str(owed.quantities["credit"]) == "-0.05 yuan"


def test_an_adf400l_is_read_in_three_blocks_and_its_force_word_tells_the_mode() -> None:
    profile = registry.get("acrel-adf400l")
    state = bytearray(48)
    state[0:4] = bytes.fromhex("089804D2")
    state[12:16] = (1_234_567).to_bytes(4)
    state[20:24] = (-500).to_bytes(4, signed=True)
    state[24:28] = (200_000).to_bytes(4)
    state[28:30] = (12).to_bytes(2)
    state[34:36] = bytes.fromhex("2028")  # relay closed; prepaid on and open, arrears
    rates = b"".join(value.to_bytes(4) for value in (1, 2, 3, 4))
    reader = decoder(profile)
    for word, mode in (("0000", "prepaid"), ("0001", "held-on"), ("0100", "forced-off")):
        found = reader.row(1, 2, 0, {"state": bytes(state), "rates": rates, "force": bytes.fromhex(word)})
        assert MODE_CODES[found.mode] == mode
        assert CONTACTOR_CODES[found.contactor] == "closed"
        assert (found.energy_wh, found.credit, found.total_purchased, found.purchase_number) == (
            12_345_670, -500, 200_000, 12,
        )  # fmt: skip
        assert (found.sharp_wh, found.valley_wh, found.meter_clock) == (10, 40, ABSENT)
    partly = reader.row(1, 2, 0, {"state": bytes(state)})
    assert (partly.sharp_wh, MODE_CODES[partly.mode]) == (ABSENT, "prepaid")


def test_without_a_status_byte_the_contactor_is_unknown() -> None:
    found = decoder(registry.get("acrel-adf400l")).row(1, 2, 0, {"rates": bytes(16)})
    assert CONTACTOR_CODES[found.contactor] == "unknown"
