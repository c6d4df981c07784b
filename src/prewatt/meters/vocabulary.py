"""The words a register profile may use: types, units, quantities, status bits, capabilities. One word, one meaning.

Every quantity has one canonical whole-number unit in this house; a profile's scale turns register counts into it.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

# type -> (bytes, struct code). A type without a code is read by itself, not by the block's Struct.
TYPES: dict[str, tuple[int, str]] = {
    "u16": (2, "H"),
    "i16": (2, "h"),
    "u32": (4, "I"),  # high word first
    "i32": (4, "i"),
    "u8": (1, "B"),  # half = "hi" or "lo" of a register
    "bits": (1, "B"),
    "bcd6": (6, ""),  # twelve decimal digits
    "clock7": (7, ""),  # YY MM DD weekday hh mm ss, plain binary
    "clock6": (6, ""),  # YY MM DD hh mm ss, plain binary
    "f32": (4, "I"),  # IEEE 754, high word first: taken as its bits, made a whole number without a float
}
# types of DL/T 645 items, low byte first: (bytes, whether the top bit is a minus)
PACKED: dict[str, tuple[int, bool]] = {
    "bcd1": (1, False), "bcd2": (2, False), "bcd3": (3, False), "bcd4": (4, False),
    "sbcd2": (2, True), "sbcd3": (3, True), "sbcd4": (4, True),
}  # fmt: skip
ITEM_TYPES: dict[str, int] = {
    **{name: size for name, (size, _) in PACKED.items()}, "bits": 1, "digits6": 6,  # digits6: twelve digits
}  # fmt: skip
RANGES = {"u16": (0, 0xFFFF), "i16": (-0x8000, 0x7FFF), "u32": (0, 0xFFFF_FFFF), "i32": (-(2**31), 2**31 - 1)}

# printed unit -> (dimension, canonical units in one of it)
UNITS: dict[str, tuple[str, int]] = {
    "kWh": ("energy", 1000),  # Wh
    "Wh": ("energy", 1),
    "yuan": ("money", 100),  # fen
    "kW": ("power", 1000),  # W
    "W": ("power", 1),
    "kvar": ("reactive", 1000),  # var
    "kvarh": ("reactive-energy", 1000),
    "V": ("voltage", 10),  # 0.1 V
    "A": ("current", 100),  # 0.01 A
    "Hz": ("frequency", 100),  # 0.01 Hz
    "s": ("duration", 1),
    "yuan/kWh": ("price", 10_000),  # 1/10000 yuan per kWh
    "": ("ratio", 1000),  # 0.001
}
CANONICAL = {
    "energy": "Wh", "money": "fen", "power": "W", "reactive": "var", "reactive-energy": "varh", "voltage": "0.1 V",
    "current": "0.01 A", "frequency": "0.01 Hz", "duration": "s", "price": "0.0001 yuan/kWh", "ratio": "0.001",
    "count": "",
}  # fmt: skip

# quantity -> dimension; "purse" is money or energy by the kind of purse; "count" has no scale
QUANTITIES: dict[str, str] = {
    **dict.fromkeys(("energy", "sharp", "peak", "flat", "valley", "deep"), "energy"),
    **dict.fromkeys(("energy_a", "energy_b", "energy_c"), "energy"),
    **dict.fromkeys(("energy_forward", "energy_reverse"), "energy"),
    **dict.fromkeys(("reactive_energy", "reactive_forward", "reactive_reverse"), "reactive-energy"),
    **dict.fromkeys(("credit", "total_purchased", "base_credit", "base_set", "overdraft_limit"), "purse"),
    **dict.fromkeys(("overdrawn", "last_purchase"), "purse"),  # overdrawn: what is owed, where credit has no sign
    **dict.fromkeys(("alarm_1", "alarm_2", "credit_ceiling"), "purse"),
    **dict.fromkeys(("purchase_number", "trip_count", "allowed_trips", "model", "pt", "ct", "demand"), "count"),
    **dict.fromkeys(("prepaid_switch", "decimal_voltage", "decimal_current", "decimal_power", "signs"), "count"),
    **dict.fromkeys(("energy_secondary", "outputs"), "count"),
    **dict.fromkeys(("power", "power_a", "power_b", "power_c", "power_limit", "power_step"), "power"),
    **dict.fromkeys(("reactive", "reactive_a", "reactive_b", "reactive_c"), "reactive"),
    **dict.fromkeys(("power_factor", "power_factor_a", "power_factor_b", "power_factor_c"), "ratio"),
    **dict.fromkeys(("power_factor_limit",), "ratio"),
    **dict.fromkeys(("voltage_a", "voltage_b", "voltage_c", "voltage_ab", "voltage_bc", "voltage_ca"), "voltage"),
    **dict.fromkeys(("current_a", "current_b", "current_c"), "current"),
    **dict.fromkeys(("price_sharp", "price_peak", "price_flat", "price_valley"), "price"),
    **dict.fromkeys(("recovery_time", "overload_recovery_time", "trip_recovery"), "duration"),
    "frequency": "frequency",
}
SPECIAL = {"serial": ("bcd6", "digits6"), "clock": ("clock6", "clock7")}  # quantities that are not numbers

_PER_PHASE = ("relay", "prepaid_closed", "load_closed", "forced_closed", "time_closed")
BITS: frozenset[str] = frozenset((
    "fault", "prepaid_enabled", "over_limit", "arrears", "low_1", "low_2", "load_enabled", "forced_enabled",
    "time_enabled", "force_open", "force_close", "relay_open", "trip_ordered", "keep_power", "not_opened",
    *(f"{group}_{phase}" for group in _PER_PHASE for phase in "abc"),
))  # fmt: skip

CAPABILITIES: dict[str, str] = {
    "reads-energy": "tells its energy register",
    "reads-credit": "tells its remaining credit",
    "accepts-credit": "takes credit over the line",
    "contactor": "has a relay and tells its position",
    "modes": "can be held on, forced off, and given back to its purse",
    "time-of-use": "keeps energy by tariff band",
    "purchase-count": "counts accepted purchases",
    "purchase-total": "keeps the total of all purchases",
    "purchase-log": "keeps the last purchases as records",
    "serial": "tells its serial number",
    "clock": "tells its clock",
    "settings": "takes prices and alarm levels over the line",
}
VERIFIED = ("no", "public", "device")
PURSES = ("money", "energy")
CREDIT_CLASSES = ("A", "B", "C")

_SCALE = re.compile(r"^(\d+(?:\.\d+)?)(?: (\S+))?$")


class BadScale(ValueError):
    """A scale that cannot be turned into whole canonical units."""


def multiplier(scale: str, dimension: str) -> int:
    """Canonical units in one count of a register, such as 10 for ``0.01 kWh`` (10 Wh). Raises BadScale."""
    units, counts = ratio(scale, dimension)
    if counts != 1:
        raise BadScale(f"{scale!r} is not a whole number of {CANONICAL[dimension]}")
    return units


def ratio(scale: str, dimension: str) -> tuple[int, int]:
    """The same for any scale: so many canonical units in so many counts. Raises BadScale."""
    found = _SCALE.match(scale)
    if not found:
        raise BadScale(f"{scale!r} is not a number and a unit, such as '0.01 kWh'")
    unit = found[2] or ""
    if unit not in UNITS:
        raise BadScale(f"unknown unit {unit!r}; known: {', '.join(sorted(filter(None, UNITS)))}")
    kind, units = UNITS[unit]
    if kind != dimension:
        raise BadScale(f"{scale!r} measures {kind}, but this is {dimension}")
    try:
        exact = Decimal(found[1]) * units
    except InvalidOperation:  # pragma: no cover - the pattern admits numbers only
        raise BadScale(f"{scale!r} is not a number") from None
    if exact <= 0:
        raise BadScale(f"{scale!r} is not a whole number of {CANONICAL[kind]}")
    return exact.as_integer_ratio()
