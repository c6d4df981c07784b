"""Blocks and fields of a profile: types, scales, places, and that no two fields share a bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prewatt.meters.modbus import MAX_READ
from prewatt.meters.reader import Table
from prewatt.meters.shape import Block, Field, Option, Proof
from prewatt.meters.vocabulary import BITS, QUANTITIES, SPECIAL, TYPES, BadScale, multiplier


@dataclass(frozen=True, slots=True)
class Context:
    """What every section needs from the top of the file."""

    sources: tuple[str, ...]
    purse: str
    options: Mapping[str, Option]

    def dimension(self, quantity: str) -> str:
        """The dimension of a quantity in this profile; a purse holds money unless it holds energy."""
        found = QUANTITIES.get(quantity, "count")
        if found != "purse":
            return found
        return "energy" if self.purse == "energy" else "money"

    def scale(self, table: Table, key: str, dimension: str) -> int:
        """The multiplier to canonical units. ``@name`` takes the value of an option."""
        text = table.text(key)
        if text.startswith("@"):
            option = self.options.get(text[1:])
            if option is None:
                table.wrong(key, f"there is no option {text[1:]!r}")
                return 1
            text = option.value
        try:
            return multiplier(text, dimension) if text else 1
        except BadScale as error:
            table.wrong(key, str(error))
            return 1


def blocks(top: Table, context: Context) -> tuple[Block, ...]:
    """All blocks of the profile."""
    found: list[Block] = []
    for table in top.tables("block"):
        block = _block(table, context)
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
    factor, dimension = (1, "") if kind == "bits" else _scaled(table, context, name, kind)
    table.close()
    if not 0 <= offset <= 2 * count - size:
        table.wrong("at", f"0x{at:04X} with {size} bytes is outside the block 0x{address:04X} of {count} registers")
        return None
    return Field(name, kind, offset, size, factor, dimension, bits, volatile, own)


def _scaled(table: Table, context: Context, name: str, kind: str) -> tuple[int, str]:
    """Multiplier and dimension of a field that is not a status byte."""
    if name in SPECIAL:
        if kind not in SPECIAL[name]:
            table.wrong("type", f"{name!r} must be {' or '.join(SPECIAL[name])}")
        return 1, ""
    if not TYPES[kind][1]:
        table.wrong("name", f"a {kind} must be called {' or '.join(one for one in SPECIAL if kind in SPECIAL[one])}")
        return 1, ""
    if name not in QUANTITIES:
        table.wrong("name", f"unknown quantity {name!r}")
        table.has("scale")
        return 1, ""
    dimension = context.dimension(name)
    if dimension == "count":
        return 1, dimension
    return context.scale(table, "scale", dimension), dimension


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


def _free(table: Table, field: Field, others: list[Field], address: int) -> None:
    """Note a field that lies on another or has another's name."""
    for other in others:
        if field.name == other.name:
            table.wrong("name", f"{field.name!r} stands twice in this block")
        if field.offset < other.offset + other.size and other.offset < field.offset + field.size:
            shared = max(field.offset, other.offset)
            table.wrong("at", f"overlaps field {other.name!r} at register 0x{address + shared // 2:04X}")
