"""What the bits and digits of DL/T 645-2007 mean: error words, status words, packed decimals, the items we know.

Sources: the standard's tables; firmware and masters of DL/T 645-2007 meters (J3, CL, IVY) for the prepaid parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from prewatt.meters import dlt645

DER_BITS: Mapping[int, str] = {
    0x01: "other", 0x02: "no-such-data", 0x04: "not-authorised", 0x08: "baud", 0x10: "zones", 0x20: "day-slots",
    0x40: "rates",
}  # fmt: skip
SERR_BITS: Mapping[int, str] = {
    0x0001: "other", 0x0002: "repeat-recharge", 0x0004: "esam-check", 0x0008: "authentication",
    0x0010: "customer-number", 0x0020: "wrong-count", 0x0040: "ceiling", 0x0100: "remote-closed",
}  # fmt: skip
CONTROL_BITS: Mapping[int, str] = {
    0x01: "suspended", 0x02: "mac", 0x04: "password", 0x08: "authentication-timeout", 0x10: "time-invalid",
    0x20: "trip-refused",
}  # fmt: skip
EXECUTED_BITS: Mapping[int, str] = {
    0x01: "direct-close", 0x02: "close-allowed", 0x04: "trip", 0x08: "delayed", 0x10: "auto-restore",
    0x20: "large-current-delay", 0x100: "keep-power", 0x200: "keep-power-off", 0x400: "alarm", 0x800: "alarm-off",
}  # fmt: skip
NO_SUCH_DATA = dlt645.DER | 0x02


def named(word: int, bits: Mapping[int, str]) -> tuple[str, ...]:
    """The names of the bits that are set, lowest first; bits without a name as ``bit-n``."""
    return tuple(
        bits.get(1 << place, f"bit-{place}") for place in range(word.bit_length()) if word >> place & 1
    )  # fmt: skip


def explain(exception: int) -> tuple[str, ...]:
    """An answer's exception as stable words."""
    for base, bits in (
        (dlt645.CONTROL_REFUSED, CONTROL_BITS),
        (dlt645.SERR, SERR_BITS),
        (dlt645.DER, DER_BITS),
    ):
        if exception >= base:
            return named(exception - base, bits)
    return ()


# -- status -----------------------------------------------------------------------------------------------------------


class StatusWord1(NamedTuple):
    """Status word 1 (04000501): what is wrong with the meter."""

    battery_low: bool
    control_loop_error: bool
    esam_error: bool
    memory_error: bool
    overdrawn: bool
    clock_error: bool


class StatusWord3(NamedTuple):
    """Status word 3 (04000503): supply, contactor, purse."""

    supply: int  # 0 mains, 1 auxiliary, 2 battery
    programming: bool
    contactor_open: bool
    open_ordered: bool
    pretrip_alarm: bool
    purse: str  # "", "energy" or "money"
    keep_power: bool
    authenticated: bool
    not_opened: bool
    remote_not_opened: bool


def status_word_1(body: bytes) -> StatusWord1:
    """The first two bytes of a body as status word 1."""
    word = int.from_bytes(body[:2], "little")
    return StatusWord1(*(bool(word >> place & 1) for place in (2, 8, 9, 13, 14, 15)))


def status_word_3(body: bytes) -> StatusWord3:
    """The first two bytes of a body as status word 3."""
    word = int.from_bytes(body[:2], "little")

    def bit(place: int) -> bool:
        return bool(word >> place & 1)

    purse = ("", "energy", "money", "")[word >> 8 & 3]
    return StatusWord3(
        word >> 1 & 3, bit(3), bit(4), bit(6), bit(7), purse, bit(12), bit(13), bit(14), bit(15)
    )  # fmt: skip


# -- packed decimals --------------------------------------------------------------------------------------------------


def decimal(raw: bytes, *, signed: bool = False) -> int | None:
    """Packed decimal digits, low byte first; ``signed``: the top bit is a minus. None when a half-byte is no digit."""
    digits = bytearray(raw)
    minus = signed and bool(digits) and bool(digits[-1] & 0x80)
    if minus:
        digits[-1] &= 0x7F
    text = bytes(reversed(digits)).hex()
    if not text.isdigit():
        return None
    return -int(text) if minus else int(text)


def packed(value: int, size: int, *, signed: bool = False) -> bytes:
    """A number as packed decimal digits, low byte first. Raises ValueError when it does not fit."""
    most = 10 ** (2 * size) * 8 // 10 if signed else 10 ** (2 * size)
    if not (-most if signed else -1) < value < most:
        raise ValueError(f"{value} does not fit {size} bytes")
    raw = bytearray(bytes.fromhex(f"{abs(value):0{2 * size}d}")[::-1])
    if value < 0:
        raw[-1] |= 0x80
    return bytes(raw)


# -- items ------------------------------------------------------------------------------------------------------------


class Item(NamedTuple):
    """One data item: its name, bytes of each number in it, decimal places, unit."""

    name: str
    sizes: tuple[int, ...]
    places: int
    unit: str
    signed: bool = False


_ENERGY = ((4,), 2, "kWh")
_MONEY = ((4,), 2, "yuan")

ITEMS: Mapping[int, Item] = {
    0x00000000: Item("combined active energy", *_ENERGY, True),
    0x00010000: Item("forward active energy", *_ENERGY),
    0x00010100: Item("forward active energy, sharp", *_ENERGY),
    0x00010200: Item("forward active energy, peak", *_ENERGY),
    0x00010300: Item("forward active energy, flat", *_ENERGY),
    0x00010400: Item("forward active energy, valley", *_ENERGY),
    0x0001FF00: Item("forward active energy, total and bands", (4, 4, 4, 4, 4), 2, "kWh"),
    0x00020000: Item("reverse active energy", *_ENERGY),
    0x02010100: Item("voltage A", (2,), 1, "V"),
    0x02010200: Item("voltage B", (2,), 1, "V"),
    0x02010300: Item("voltage C", (2,), 1, "V"),
    0x02020100: Item("current A", (3,), 3, "A", True),
    0x02020200: Item("current B", (3,), 3, "A", True),
    0x02020300: Item("current C", (3,), 3, "A", True),
    0x02030000: Item("active power", (3,), 4, "kW", True),
    0x02030100: Item("active power A", (3,), 4, "kW", True),
    0x02030200: Item("active power B", (3,), 4, "kW", True),
    0x02030300: Item("active power C", (3,), 4, "kW", True),
    0x02060000: Item("power factor", (2,), 3, "", True),
    0x02800002: Item("frequency", (2,), 2, "Hz"),
    0x00900100: Item("remaining energy", *_ENERGY),
    0x00900101: Item("overdraft energy", *_ENERGY),
    0x00900200: Item("remaining money", *_MONEY),
    0x00900201: Item("overdraft money", *_MONEY),
    0x03330101: Item("last money purchase, date", (1, 1, 1, 1, 1), 0, ""),
    0x03330201: Item("money purchases", (2,), 0, ""),
    0x03330301: Item("last money purchase", *_MONEY),
    0x03330401: Item("remaining money before it", *_MONEY),
    0x03330501: Item("remaining money after it", *_MONEY),
    0x03330601: Item("money purchased in total", *_MONEY),
    0x03320101: Item("last energy purchase, date", (1, 1, 1, 1, 1), 0, ""),
    0x03320201: Item("energy purchases", (2,), 0, ""),
    0x03320301: Item("last energy purchase", *_ENERGY),
    0x03320401: Item("remaining energy before it", *_ENERGY),
    0x03320501: Item("remaining energy after it", *_ENERGY),
    0x03320601: Item("energy purchased in total", *_ENERGY),
    0x04001001: Item("alarm money 1", *_MONEY),
    0x04001002: Item("alarm money 2", *_MONEY),
    0x04001003: Item("overdraft limit", *_MONEY),
    0x04001004: Item("stored-credit ceiling", *_MONEY),
    0x04001005: Item("closing-allowed amount", *_MONEY),
}


def decode(identifier: int, body: bytes) -> tuple[int | None, ...]:
    """The numbers of an item as whole counts of its last decimal place. Raises KeyError for an unknown item.

    A body that is shorter than the item (fewer bands or phases) gives fewer numbers.
    """
    known = ITEMS[identifier]
    found: list[int | None] = []
    at = 0
    for size in known.sizes:
        if at + size > len(body):
            break
        found.append(decimal(body[at : at + size], signed=known.signed))
        at += size
    return tuple(found)


def shown(identifier: int, body: bytes) -> str:
    """An item as a person reads it; hexadecimal where it is not known."""
    known = ITEMS.get(identifier)
    if known is None:
        return f"{identifier:08X} = {body.hex(' ')}"
    texts = []
    for value in decode(identifier, body):
        whole, rest = divmod(abs(value or 0), 10**known.places)
        text = f"{'-' if (value or 0) < 0 else ''}{whole}" + (f".{rest:0{known.places}d}" if known.places else "")
        texts.append("?" if value is None else text)
    return f"{known.name} = {' / '.join(texts)} {known.unit}".rstrip()
