"""Blocks and fields of a profile: types, scales, places, and that no two fields share a bit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from prewatt.meters import dlt645
from prewatt.meters.modbus import MAX_READ
from prewatt.meters.reader import Table
from prewatt.meters.shape import Block, Field, Option, Proof
from prewatt.meters.vocabulary import BITS, CANONICAL, ITEM_TYPES, PACKED, QUANTITIES, SPECIAL, TYPES, BadScale, ratio

_IDENTIFIER = re.compile(r"^[0-9A-Fa-f]{8}$")


@dataclass(frozen=True, slots=True)
class Context:
    """What every section needs from the top of the file."""

    sources: tuple[str, ...]
    purse: str
    options: Mapping[str, Option]
    codec: str = "modbus"

    def dimension(self, quantity: str) -> str:
        """The dimension of a quantity in this profile; a purse holds money unless it holds energy."""
        found = QUANTITIES.get(quantity, "count")
        if found != "purse":
            return found
        return "energy" if self.purse == "energy" else "money"

    def said(self, table: Table, key: str, default: str | None = None) -> str:
        """A text, or the value of the option that ``@name`` stands for."""
        text = table.text(key, default)
        if not text.startswith("@"):
            return text
        option = self.options.get(text[1:])
        if option is None:
            table.wrong(key, f"there is no option {text[1:]!r}")
            return ""
        return option.value

    def scale(self, table: Table, key: str, dimension: str) -> int:
        """The multiplier to canonical units. ``@name`` takes the value of an option."""
        units, counts = self.fraction(table, key, dimension)
        if counts != 1:
            table.wrong(key, f"{table.text(key)!r} is not a whole number of {CANONICAL[dimension]}")
        return units

    def fraction(self, table: Table, key: str, dimension: str) -> tuple[int, int]:
        """So many canonical units in so many counts."""
        text = self.said(table, key)
        try:
            return ratio(text, dimension) if text else (1, 1)
        except BadScale as error:
            table.wrong(key, str(error))
            return 1, 1


def blocks(top: Table, context: Context) -> tuple[Block, ...]:
    """All blocks of the profile."""
    found: list[Block] = []
    for table in top.tables("block"):
        block = _item(table, context) if context.codec == "dlt645" else _block(table, context)
        if any(block.name == other.name for other in found):
            table.wrong("name", f"{block.name!r} stands twice")
        found.append(block)
    return tuple(found)


def _block(table: Table, context: Context) -> Block:
    name = table.text("name")
    function = table.number("function")
    if function != 3:
        table.wrong("function", f"{function} is not 3: meters of this house are read by function 03")
    address = table.number("address")
    count = table.number("count", low=1, high=MAX_READ)
    if address + count > 0x10000:
        table.wrong("count", "the block ends behind register 65535")
    proof = table.proof(context.sources)
    fields: list[Field] = []
    for inner in table.tables("fields"):
        field = _field(inner, context, proof, address, count)
        if field is None:
            continue
        _free(inner, field, fields, address)
        fields.append(field)
    table.close()
    return Block(name, function, address, count, tuple(sorted(fields, key=lambda one: one.offset)))


def _item(table: Table, context: Context) -> Block:
    """A data item of DL/T 645: ``di`` is its identifier in eight digits, fields lie at bytes."""
    name = table.text("name")
    digits = table.text("di")
    if digits and not _IDENTIFIER.match(digits):
        table.wrong("di", f"{digits!r} is not a data identifier of eight hexadecimal digits, DI3 first")
        digits = ""
    size = table.number("size", low=1, high=dlt645.MAX_READ_DATA - 4)
    proof = table.proof(context.sources)
    fields: list[Field] = []
    for inner in table.tables("fields"):
        field = _item_field(inner, context, proof, size)
        if field is not None:
            _free(inner, field, fields, None)
            fields.append(field)
    table.close()
    places = tuple(sorted(fields, key=lambda one: one.offset))
    return Block(name, dlt645.READ, int(digits or "0", 16), size, places, width=1)


def _item_field(table: Table, context: Context, proof: Proof, size: int) -> Field | None:
    name, kind, at = table.text("name"), table.text("type"), table.number("at")
    volatile = table.flag("volatile", False)
    own = table.proof(context.sources, proof)
    if kind not in ITEM_TYPES:
        table.wrong("type", f"unknown type {kind!r}; known: {', '.join(ITEM_TYPES)}")
        table.names()
        return None
    bits = _bits(table) if kind == "bits" else ()
    extra = _plain() if kind == "bits" else _scaled(table, context, name, kind, kind in PACKED)
    table.close()
    if at + ITEM_TYPES[kind] > size:
        table.wrong("at", f"byte {at} with {ITEM_TYPES[kind]} bytes is outside the item of {size} bytes")
        return None
    return Field(name, kind, at, ITEM_TYPES[kind], extra.multiplier, extra.dimension, bits, volatile, own,
                 divisor=extra.divisor)  # fmt: skip


def _field(table: Table, context: Context, proof: Proof, address: int, count: int) -> Field | None:
    name = table.text("name")
    kind = table.text("type")
    at = table.number("at")
    volatile = table.flag("volatile", False)
    own = table.proof(context.sources, proof)
    if kind not in TYPES:
        table.wrong("type", f"unknown type {kind!r}; known: {', '.join(TYPES)}")
        table.names()
        return None
    size = TYPES[kind][0]
    offset = 2 * (at - address)
    if kind in ("u8", "bits"):
        offset += table.text("half", among=("hi", "lo")) == "lo"
    bits = _bits(table) if kind == "bits" else ()
    extra = _plain() if kind == "bits" else _scaled(table, context, name, kind, bool(TYPES[kind][1]))
    decimal, ratios, sign = _depends(table, context)
    table.close()
    if not 0 <= offset <= 2 * count - size:
        table.wrong("at", f"0x{at:04X} with {size} bytes is outside the block 0x{address:04X} of {count} registers")
        return None
    return Field(name, kind, offset, size, extra.multiplier, extra.dimension, bits, volatile, own,
                 extra.divisor, decimal, ratios, sign)  # fmt: skip


class _Scale(NamedTuple):
    """How counts become canonical units."""

    multiplier: int
    dimension: str
    divisor: int


def _plain(dimension: str = "") -> _Scale:
    return _Scale(1, dimension, 1)


def _scaled(table: Table, context: Context, name: str, kind: str, is_number: bool) -> _Scale:
    """Scale and dimension of a field that is not a status byte."""
    if name in SPECIAL:
        if kind not in SPECIAL[name]:
            table.wrong("type", f"{name!r} must be {' or '.join(SPECIAL[name])}")
        return _plain()
    if not is_number:
        table.wrong("name", f"a {kind} must be called {' or '.join(one for one in SPECIAL if kind in SPECIAL[one])}")
        return _plain()
    if name not in QUANTITIES:
        table.wrong("name", f"unknown quantity {name!r}")
        table.has("scale")
        return _plain()
    dimension = context.dimension(name)
    if dimension == "count":
        return _plain(dimension)
    if table.flag("round", False) or kind == "f32":
        units, counts = context.fraction(table, "scale", dimension)
        return _Scale(units, dimension, counts)
    return _Scale(context.scale(table, "scale", dimension), dimension, 1)


def _depends(table: Table, context: Context) -> tuple[str, tuple[str, ...], tuple[str, int] | None]:
    """What else decides about a value: a decimal point, transformers, a sign."""
    text = context.said(table, "ratio", "none")
    ratios = () if text in ("", "none") else tuple(text.split("*"))
    if any(one not in ("pt", "ct") for one in ratios):
        table.wrong("ratio", f"{text!r} is not 'pt', 'ct', 'pt*ct' or 'none'")
        ratios = ()
    sign = None
    if table.has("sign"):
        inner = table.table("sign")
        sign = (inner.text("field"), inner.number("bit", high=15))
        inner.close()
    return table.text("decimal", ""), ratios, sign


def _bits(table: Table) -> tuple[tuple[str, int], ...]:
    inner = table.table("bits")
    found: list[tuple[str, int]] = []
    for name in inner.names():
        if name not in BITS:
            inner.wrong(name, "unknown status bit")
        number = inner.number(name, low=0, high=7)
        if any(number == other for _, other in found):
            inner.wrong(name, f"bit {number} is used twice")
        found.append((name, number))
    return tuple(found)


def _free(table: Table, field: Field, others: list[Field], address: int | None) -> None:
    """Note a field that lies on another or has another's name."""
    for other in others:
        if field.name == other.name:
            table.wrong("name", f"{field.name!r} stands twice in this block")
        if field.offset < other.offset + other.size and other.offset < field.offset + field.size:
            shared = max(field.offset, other.offset)
            where = f"byte {shared}" if address is None else f"register 0x{address + shared // 2:04X}"
            table.wrong("at", f"overlaps field {other.name!r} at {where}")
