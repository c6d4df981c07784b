"""Profiles of other codecs and kinds: DL/T 645 items, relatives, instruments, and the experiment nobody is offered."""

from __future__ import annotations

from pathlib import Path

import pytest

import prewatt.meters
from prewatt.meters import dlt645, orders, registry, vendor20
from prewatt.meters.decode import decoder
from prewatt.meters.framing import VENDOR
from prewatt.meters.modbus import CutKind, exception_answer, seal
from prewatt.meters.plan import plan_state, unit_of
from prewatt.meters.profile import ProfileError, load
from prewatt.meters.row import ABSENT
from prewatt.meters.snapshot import snapshot
from tests.meters import vectors

FOLDER = Path(prewatt.meters.__file__).parent / "profiles"
DLT = (FOLDER / "dlt645-2007.toml").read_text("utf-8")
DTSD = (FOLDER / "acrel-dtsd1352.toml").read_text("utf-8")
FC20 = (FOLDER / "experimental" / "acrel-dtsy1352-nk-fc20.toml").read_text("utf-8")


def refused(text: str, name: str) -> dict[str, str]:
    with pytest.raises(ProfileError) as caught:
        load(text.encode(), name)
    return {one.field: one.reason for one in caught.value.problems}


def changed(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


# -- DL/T 645 ---------------------------------------------------------------------------------------------------------


def test_a_dlt_meter_is_called_by_its_serial_number() -> None:
    known = registry.get("dlt645-2007")
    unit = unit_of(known, 5, "161")
    assert unit == "000000000161"
    assert plan_state(known, unit)[0].frame == dlt645.read_request(unit, 0x0001FF00, wakes=4)
    assert unit_of(registry.get("acrel-pz"), 5, "161") == 5
    for serial in ("", "A12", "1234567890123"):
        with pytest.raises(ValueError, match=r"serial number|12 decimal digits"):
            unit_of(known, 5, serial)
    with pytest.raises(ValueError, match="not a number"):
        plan_state(registry.get("acrel-pz"), "161")


@pytest.mark.parametrize(
    ("old", "new", "field", "reason"),
    [
        ('di = "00900200"', 'di = "9002"', "block[credit].di", "eight hexadecimal digits"),
        ("size = 20", "size = 18", "block[energy].fields[valley].at", "byte 16 with 4 bytes is outside the item"),
        ("at = 4, type", "at = 3, type", "block[energy].fields[sharp].at", "overlaps field 'energy' at byte 3"),
        ('type = "sbcd3", scale = "0.001 A"', 'type = "i16", scale = "0.001 A"',
         "block[current].fields[current_a].type", "unknown type 'i16'"),
        (", round = true", "", "block[current].fields[current_a].scale", "not a whole number of 0.01 A"),
        ('"keep-off", "trip"', '"keep-off", "bang"', "modes.forced-off", "unknown value 'bang'"),
        ('credit_class = "C"', 'credit_class = "A"', "credit_class", "only with a signer"),
        ('framing = ["dlt645"]', 'framing = ["rtu"]', "framing", "unknown value 'rtu'"),
        ("relay_open = 4, ", "", "state.sweep", "a phase has no bit 'relay_'"),
    ],
)  # fmt: skip
def test_a_mistake_in_items_is_refused(old: str, new: str, field: str, reason: str) -> None:
    assert reason in refused(changed(DLT, old, new), "dlt645-2007")[field]


def test_a_meter_with_fewer_phases_or_no_digits_leaves_gaps() -> None:
    known = registry.get("dlt645-2007-3p")
    bodies = {"voltage": b"\x03\x22", "current": b"\xff" * 9, "energy": bytes.fromhex("67452301") + b"\xff" * 16}
    row = decoder(known).row(1, 0, 0, bodies)
    assert (row.voltage_a, row.voltage_b, row.current_a) == (2203, ABSENT, ABSENT)
    assert (row.energy_wh, row.sharp_wh, row.credit) == (12_345_670, ABSENT, ABSENT)
    assert set(snapshot(known, bodies).quantities) == {"voltage_a", "energy"}


def test_credit_is_what_remains_less_what_is_owed() -> None:
    known = registry.get("dlt645-2007")
    owed = {"credit": bytes(4), "overdrawn": bytes.fromhex("34120000")}
    assert decoder(known).row(1, 0, 0, owed).credit == -12_34
    assert snapshot(known, owed).value("credit") == -12_34
    assert decoder(known).row(1, 0, 0, {"credit": bytes.fromhex("25500100")}).credit == 150_25


# -- relatives --------------------------------------------------------------------------------------------------------


def test_a_relative_says_only_what_differs() -> None:
    single, three = registry.get("dlt645-2007"), registry.get("dlt645-2007-3p")
    assert (three.phases, three.codec, three.sweep) == (3, "dlt645", single.sweep)
    assert three.block("credit") == single.block("credit")
    assert three.block("power").size == 12
    assert three.sources == single.sources


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('extends = "nobody"', "extends"),
        ("extends = 5", "extends"),
        ('extends = "acrel-pz"\ndrop = ["log"]', "drop"),
        ('extends = "acrel-pz"\ndrop = "log"', "drop"),
    ],
)
def test_a_relative_of_nobody_is_refused(text: str, field: str) -> None:
    assert field in refused(f'{text}\nname = "x"\n', "x")


# -- instruments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "field", "reason"),
    [
        ('ct = "meter"\n', "", "ratios", "does not say where 'ct' comes from"),
        ('"energy", "ratio", "moment"', '"energy", "moment"', "ratios.ct", "the sweep reads no field 'ct'"),
        ('ratio = "pt*ct" },', 'ratio = "ct*ct2" },', "block[energy].fields[energy].ratio", "is not 'pt'"),
        ('ratio = "@voltage_side"', 'ratio = "@nobody"', "block[moment].fields[voltage_a].ratio", "no option"),
        ('scale = "0.1 V", ratio', 'scale = "0.1 V", decimal = "dp", ratio',
         "block[moment].fields[voltage_a].decimal", "the sweep reads no field 'dp'"),
    ],
)  # fmt: skip
def test_a_value_depends_only_on_what_the_same_poll_reads(old: str, new: str, field: str, reason: str) -> None:
    assert reason in refused(changed(DTSD, old, new), "acrel-dtsd1352")[field]


# -- the experiment ---------------------------------------------------------------------------------------------------


def test_the_experiment_is_never_offered() -> None:
    name = "acrel-dtsy1352-nk-fc20"
    assert name not in registry.names()
    assert name in registry.names(experimental=True)
    known = registry.get(name)
    assert (known.experimental, known.credit_class, known.credit) == (True, "B", None)
    assert not known.can("accepts-credit")
    assert not any(registry.get(one).experimental for one in registry.names())
    assert "must be true" in refused(changed(FC20, "experimental = true\n", ""), name)["experimental"]


def test_it_sells_nothing_unless_somebody_who_knows_allows_it() -> None:
    known = registry.get("acrel-dtsy1352-nk-fc20")
    facts = {"n": 8, "remaining": 150_25, "serial": "230600000161"}
    with pytest.raises(orders.CreditUnsupported, match="experimental"):
        orders.absolute_credit_frame(known, 1, **facts)  # type: ignore[arg-type]
    with pytest.raises(orders.CreditUnsupported, match="no credit over the line"):
        orders.credit_frame(known, 1, n=8, amount=1_00)
    for wrong in ({"n": 0}, {"remaining": 2**33}, {"serial": ""}):
        with pytest.raises(orders.CreditUnsupported):
            orders.absolute_credit_frame(known, 1, **facts | wrong, allow_experimental=True)  # type: ignore[arg-type]
    frame = orders.absolute_credit_frame(known, 1, **facts, allow_experimental=True).frame  # type: ignore[arg-type]
    payload = frame[7:-2]
    assert frame[:7] == bytes.fromhex("01 20 02 00 00 1E 3C")
    assert (payload[2], payload[3:7], payload[7], payload[8:10]) == (1, (150_25).to_bytes(4), 1, (8).to_bytes(2))
    assert (payload[53], payload[54:60].hex()) == (1, "230600000161")
    assert not any(payload[:2] + payload[10:53])  # nothing else is enabled


def test_function_20_is_the_published_frame() -> None:
    payload = bytes.fromhex("00 1E 0E 03 0C 0B 19 00 00 00")
    assert vendor20.request(1, 0x0354, payload) == vectors.FC20_CLOCK
    for unit, area, content in ((0, 1, b"\0\0"), (1, 1, b"\0"), (1, 1, b""), (1, 1 << 16, b"\0\0")):
        with pytest.raises(ValueError, match="are"):
            vendor20.request(unit, area, content)


def test_its_answer_is_fifteen_bytes_of_that_unit() -> None:
    request, answer = vectors.FC20_CLOCK, seal(b"\x01\x20" + bytes(11))
    outline = VENDOR.outline(request)
    assert (outline.length, outline.write) == (0, True)
    for junk in (b"", b"\x00\x01", request):
        found = VENDOR.cut(request, junk + answer, final=True)
        assert found.kind is CutKind.ANSWER
        assert found.answer is not None
        piece = (junk + answer)[: found.consumed]
        assert VENDOR.raw(request, piece, found.answer) == answer
        assert VENDOR.body(answer) == found.answer.body
    assert VENDOR.cut(request, answer[:9]).kind is CutKind.INCOMPLETE
    refusal = VENDOR.cut(request, exception_answer(1, 0x20, 4)).answer
    assert refusal is not None
    assert refusal.exception == 4
