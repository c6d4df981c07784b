"""Register profiles: those of the house are sound, and a mistake is refused with file, field and reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prewatt.meters
from prewatt.meters import registry
from prewatt.meters.profile import ProfileError, load
from prewatt.meters.vocabulary import BadScale, multiplier

FOLDER = Path(prewatt.meters.__file__).parent / "profiles"
NAME = "acrel-dtsy1352-nk"
TEXT = (FOLDER / f"{NAME}.toml").read_text("utf-8")
ADF = (FOLDER / "acrel-adf400l.toml").read_text("utf-8")


def refused(text: str, name: str = NAME) -> ProfileError:
    with pytest.raises(ProfileError) as caught:
        load(text.encode(), name)
    return caught.value


def changed(old: str, new: str, text: str = TEXT) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


@pytest.mark.parametrize("name", registry.names())
def test_every_profile_of_the_house_is_sound(name: str) -> None:
    profile = registry.get(name)
    assert profile.name == name
    assert load(FOLDER / f"{name}.toml") == profile
    assert registry.get(name) is profile
    assert {profile.name: profile}[registry.get(name).name] is profile
    for block in profile.blocks:
        for field in block.fields:
            assert field.proof.verified in {"no", "public", "device"}
            assert field.proof.source in profile.sources


def test_the_house_knows_its_models() -> None:
    assert set(registry.names()) >= {"acrel-ddsy1352-nk", "acrel-dtsy1352-nk", "acrel-adf400l"}
    with pytest.raises(registry.UnknownProfile, match=r"no register profile 'x'; known: acrel-acr, acrel-adf400l"):
        registry.get("x")


def test_the_blueprint_to_copy_is_sound_but_no_model() -> None:
    blueprint = load(FOLDER / "_blueprint.toml")
    assert (blueprint.purse, blueprint.credit_class, blueprint.identity) == (None, None, "none")
    assert blueprint.name not in registry.names()


def test_what_the_1352_nk_profiles_declare() -> None:
    single, three = registry.get("acrel-ddsy1352-nk"), registry.get("acrel-dtsy1352-nk")
    assert (single.phases, three.phases) == (1, 3)
    assert (single.model_code, three.model_code) == (7, 5)
    for profile in (single, three):
        assert (profile.purse, profile.credit_class, profile.returns_credit) == ("money", "A", True)
        assert (profile.block("state").address, profile.block("state").count) == (0x0200, 48)
        assert profile.block("state").volatile == ((80, 87),)
        assert profile.block("state").size == 96
        assert profile.sweep == ("state",)
        assert profile.evidence == ("identity", "purse", "total")
        assert {"contactor", "modes", "purchase-log", "accepts-credit"} <= profile.capabilities
        assert profile.credit is not None
        assert profile.credit.proof.verified == "no"
        price = profile.setting("price_flat")
        assert price is not None
        assert (price.address, price.multiplier) == (0x0406, 1)
        assert profile.setting("power_step") is None
        assert profile.line == {"baud": 9600, "parity": "N"}


def test_what_the_adf400l_declares() -> None:
    for name, address in (("acrel-adf400l", 0x050D), ("acrel-adf400l-3p", 0x0543)):
        profile = registry.get(name)
        assert (profile.credit_class, profile.returns_credit, profile.identity) == ("A", False, "purchase-log")
        assert not profile.can("serial")
        assert profile.credit is not None
        assert profile.credit.address == address
        price = profile.setting("price_flat")
        assert price is not None
        assert price.multiplier == 100  # 0.01 yuan/kWh: too coarse for 0.617 yuan
    three = registry.get("acrel-adf400l-3p").block("state")
    at = {field.name: three.address + field.offset // 2 for field in three.fields}
    assert (at["energy"], at["credit"], at["total_purchased"], at["purchase_number"]) == (0x35E, 0x362, 0x364, 0x366)
    assert (at["status_1"], at["base_credit"], at["overdraft_limit"]) == (0x369, 0x36A, 0x36D)


def test_another_price_scale_is_one_word_in_the_file() -> None:
    text = changed('value = "0.0001 yuan/kWh"', 'value = "0.01 yuan/kWh"')
    price = load(text.encode(), NAME).setting("price_sharp")
    assert price is not None
    assert price.multiplier == 100


def test_an_energy_purse_counts_watt_hours() -> None:
    text = TEXT.replace('purse = "money"', 'purse = "energy"').replace('"0.01 yuan"', '"0.01 kWh"')
    profile = load(text.encode(), NAME)
    credit = profile.block("purse").field("credit")
    assert credit is not None
    assert (credit.multiplier, credit.dimension) == (10, "energy")
    error = refused(changed('purse = "money"', 'purse = "energy"'))
    assert "'0.01 yuan' measures money, but this is energy" in str(error)


ENERGY = '{ name = "energy", at = 0x0215, type = "u32", scale = "0.01 kWh", verified = "public", source = "ems4j" }'
COUNT = '{ name = "purchase_number", at = 0x0221, type = "u16" }'


@pytest.mark.parametrize(
    ("old", "new", "field", "reason"),
    [
        (ENERGY, ENERGY.replace("0x0215", "0x0216"), "block[state].fields[sharp].at",
         "overlaps field 'energy' at register 0x0217"),
        (ENERGY, ENERGY.replace('"u32"', '"u24"'), "block[state].fields[energy].type", "unknown type 'u24'; known: u16"),
        (ENERGY, ENERGY.replace("0.01 kWh", "0.01 V"), "block[state].fields[energy].scale",
         "'0.01 V' measures voltage, but this is energy"),
        (ENERGY, ENERGY.replace("0.01 kWh", "0.0001 kWh"), "block[state].fields[energy].scale",
         "'0.0001 kWh' is not a whole number of Wh"),
        (ENERGY, ENERGY.replace("0.01 kWh", "0 kWh"), "block[state].fields[energy].scale", "not a whole number of Wh"),
        (ENERGY, ENERGY.replace("0.01 kWh", "-1 kWh"), "block[state].fields[energy].scale", "not a number and a unit"),
        (ENERGY, ENERGY.replace("0.01 kWh", "0.01 MJ"), "block[state].fields[energy].scale", "unknown unit 'MJ'"),
        (ENERGY, ENERGY.replace("0.01 kWh", "@nothing"), "block[state].fields[energy].scale", "no option 'nothing'"),
        (ENERGY, ENERGY.replace(', scale = "0.01 kWh"', ""), "block[state].fields[energy].scale", "is missing"),
        (ENERGY, ENERGY.replace('"energy"', '"enrgy"'), "block[state].fields[enrgy].name", "unknown quantity 'enrgy'"),
        (ENERGY, ENERGY.replace("at = ", "att = "), "block[state].fields[energy].at", "is missing"),
        (ENERGY, ENERGY.replace("0x0215", "0x0230"), "block[state].fields[energy].at", "outside the block 0x0200 of 48"),
        (ENERGY, ENERGY.replace("0x0215", '"0x0215"'), "block[state].fields[energy].at", "is not a whole number"),
        (ENERGY, ENERGY.replace('"public"', '"maybe"'), "block[state].fields[energy].verified", "unknown value 'maybe'"),
        (ENERGY, ENERGY.replace('"ems4j"', '"hearsay"'), "block[state].fields[energy].source", "unknown value 'hearsay'"),
        (ENERGY, ENERGY + "," + ENERGY, "block[state].fields[energy].name", "'energy' stands twice in this block"),
        (ENERGY, ENERGY.replace("{ name", "{ color = 1, name"), "block[state].fields[energy].color", "unknown key"),
        (ENERGY, "7", "block[state].fields", "is not a table"),
        (COUNT, COUNT.replace('"u16"', '"bcd6"'), "block[state].fields[purchase_number].name", "a bcd6 must be called serial"),
        ('type = "clock7"', 'type = "u32"', "block[state].fields[clock].type", "'clock' must be clock6 or clock7"),
        ("relay_a = 5", "relay_a = 9", "block[state].fields[status_1].bits.relay_a", "9 is not 0 to 7"),
        ("relay_a = 5", "relay_a = 0", "block[state].fields[status_1].bits.relay_a", "bit 0 is used twice"),
        ("relay_a = 5", "relai_a = 5", "block[state].fields[status_1].bits.relai_a", "unknown status bit"),
        ('half = "hi"', 'half = "top"', "block[state].fields[status_1].half", "unknown value 'top'"),
        ("count = 48", "count = 126", "block[state].count", "126 is not 1 to 125"),
        ("count = 48", "count = 0", "block[state].count", "0 is not 1 to 125"),
        ("function = 3", "function = 4", "block[state].function", "4 is not 3"),
        ("address = 0x0200", "address = 0xFFFF", "block[state].count", "ends behind register 65535"),
        ('name = "identity"', 'name = "state"', "block[state].name", "'state' stands twice"),
        ("schema = 1", "schema = 2", "schema", "this program reads schema 1"),
        (f'name = "{NAME}"', 'name = "other"', "name", f"'other' does not fit its file, '{NAME}'"),
        ('codec = "modbus"', 'codec = "morse"', "codec", "unknown value 'morse'"),
        ("phases = 3", "phases = 4", "phases", "4 is not 1 to 3"),
        ("phases = 3", "phases = true", "phases", "True is not a whole number"),
        ("returns_credit = true", "", "returns_credit", "is missing"),
        ("returns_credit = true", 'returns_credit = "yes"', "returns_credit", "'yes' is not true or false"),
        ('"serial", "clock"', '"serial", "serial"', "capabilities", "'serial' stands twice"),
        ('"serial", "clock"', '"serial", "telepathy"', "capabilities", "unknown value 'telepathy'"),
        ('"serial", "clock"', '"serial", 7', "capabilities", "7 is not text"),
        ('sweep = ["state"]', 'sweep = ["stat"]', "state.sweep", "unknown value 'stat'"),
        ('sweep = ["state"]', "sweep = []", "state.sweep", "nothing would be read"),
        ('sweep = ["state"]', 'sweep = ["purse"]', "state.sweep", "reads no field 'energy', but capability 'reads-energy'"),
        ('"identity", "purse", "total"', '"identity", "purse"', "evidence.blocks", "no block of it holds 'total_purchased'"),
        ('"identity", "purse", "total"', '"purse", "total"', "evidence.blocks", "no block of it holds 'serial'"),
        ('"identity", "purse", "total"', '"identity", "total"', "evidence.blocks", "class A meter proves a credit by"),
        ('identity = "serial"', 'identity = "none"', "evidence.identity", "must be told by its serial or its purchase log"),
        ('amount = "i32"', 'amount = "u32"', "credit.amount", "holds no negative amount, but returns_credit is true"),
        ('amount = "i32"', 'amount = "i16"', "credit.amount", "unknown value 'i16'"),
        ('3 = "wrong-count"', 'x = "wrong-count"', "credit.refusals.x", "is not an exception code 1 to 255"),
        ('3 = "wrong-count"', '3 = "because"', "credit.refusals.3", "unknown value 'because'"),
        ("stride = 10", "stride = 7", "log.stride", "records lie 10 registers apart"),
        ("energy = 16 }", "energy = 17 }", "log.at.energy", "end behind the record of 20 bytes"),
        ("count = 6,", "count = 5,", "log.at.count", "overlaps 'stamp'"),
        ("held-on = [1, 0]", "held-on = [1]", "modes.prepaid", "the same number of registers"),
        ("held-on = [1, 0]", "held-on = [1, 70000]", "modes.held-on", "register values 0 to 65535"),
        ("held-on = [1, 0]", "", "modes.held-on", "is missing"),
        ("at = 0x0404", "at = 0x0403", "setting[price_peak].at", "overlaps setting 'price_sharp'"),
        ('name = "price_peak"', 'name = "price_sharp"', "setting[price_sharp].name", "'price_sharp' stands twice"),
        ('name = "price_peak"', 'name = "price_huge"', "setting[price_huge].name", "unknown quantity"),
        ('value = "0.0001 yuan/kWh"', 'value = "1 yuan/kWh"', "options.price_scale.value", "unknown value '1 yuan/kWh'"),
        ("baud = 9600", "baud = 9", "line.baud", "9 is not 300 to 115200"),
        ('maker = "Acrel"', 'maker = "Acrel"\nfirmware = "1"', "firmware", "unknown key"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_file_field_and_reason(old: str, new: str, field: str, reason: str) -> None:
    error = refused(changed(old, new))
    found = [problem for problem in error.problems if problem.field == field and reason in problem.reason]
    assert found, [str(problem) for problem in error.problems]
    assert f"{NAME}.toml: {field}: " in str(error)


@pytest.mark.parametrize(
    ("section", "field", "reason"),
    [
        ("[credit]", "credit", "is missing, but capability 'accepts-credit' is claimed"),
        ("[log]", "log", "is missing, but capability 'purchase-log' is claimed"),
        ("[modes]", "modes", "is missing, but capability 'modes' is claimed"),
        ("[line]", "line", "is missing"),
        ("[state]", "state", "is missing"),
        ("[sources]", "sources", "is missing"),
    ],
)
def test_a_missing_section_is_refused(section: str, field: str, reason: str) -> None:
    start = TEXT.index("\n" + section)
    end = TEXT.index("\n\n", start + 1)
    error = refused(TEXT[:start] + TEXT[end:])
    assert any(problem.field == field and reason in problem.reason for problem in error.problems), str(error)


def test_a_section_that_no_capability_claims_is_refused() -> None:
    error = refused(changed('"contactor", "modes"', '"contactor"'))
    assert (error.field, error.reason) == ("capabilities", "lacks 'modes', whose section is there")


def test_a_purchase_log_is_needed_where_it_is_the_identity() -> None:
    start = ADF.index("# Every record has")
    text = changed('"purchase-log", ', "", ADF[:start] + ADF[ADF.index("[modes]") :])
    error = refused(text, "acrel-adf400l")
    assert (error.field, error.reason) == ("evidence.identity", "is 'purchase-log', but there is no section 'log'")


def test_all_mistakes_are_told_at_once() -> None:
    text = changed("phases = 3", "phases = 9", changed('type = "clock7"', 'type = "sundial"'))
    assert {problem.field for problem in refused(text).problems} == {"phases", "block[state].fields[clock].type"}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"= 1", b"a = 1\na = 2", b"x = " + b"[" * 5_000, b"#" * 300_000])
def test_what_is_no_profile_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(ProfileError) as caught:
        load(content, "x")
    assert caught.value.field == "file"


@given(st.text(max_size=200))
def test_any_text_is_refused_or_read_but_never_breaks(text: str) -> None:
    with pytest.raises(ProfileError):
        load(text.encode(), "x")


LINES = TEXT.splitlines(keepends=True)


@given(st.integers(0, len(LINES) - 1), st.sampled_from(["", "x = 1\n", "count = -1\n", "name = 5\n", "[state]\n"]))
def test_a_damaged_profile_is_refused_or_read_but_never_breaks(place: int, line: str) -> None:
    text = "".join([*LINES[:place], line, *LINES[place + 1 :]])
    try:
        name = load(text.encode(), NAME).name
    except ProfileError:
        return
    assert name == NAME


def test_a_file_must_be_named_as_its_profile(tmp_path: Path) -> None:
    file = tmp_path / "my-meter.toml"
    file.write_text(TEXT, "utf-8")
    with pytest.raises(ProfileError, match=r"my-meter\.toml: name: 'acrel-dtsy1352-nk' does not fit its file"):
        load(file)


@pytest.mark.parametrize(
    ("scale", "dimension", "expected"),
    [("0.01 kWh", "energy", 10), ("1 Wh", "energy", 1), ("0.01 yuan", "money", 1), ("0.001 kW", "power", 1),
     ("0.1 V", "voltage", 1), ("0.01 A", "current", 1), ("0.001", "ratio", 1), ("0.0001 yuan/kWh", "price", 1),
     ("10 s", "duration", 10)],
)  # fmt: skip
def test_scales_become_whole_canonical_units(scale: str, dimension: str, expected: int) -> None:
    assert multiplier(scale, dimension) == expected


@pytest.mark.parametrize("scale", ["", "kWh", "1e3 Wh", "0.01  kWh", "0.01kWh", "nan Wh", "٣ Wh "])
def test_a_scale_that_is_no_number_and_unit_is_bad(scale: str) -> None:
    with pytest.raises(BadScale):
        multiplier(scale, "energy")
