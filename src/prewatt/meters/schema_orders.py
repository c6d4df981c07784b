"""Sections of a profile that write: credit, supply modes, settings; and the purchase log that proves a credit."""

from __future__ import annotations

from prewatt.core.supply import SupplyMode
from prewatt.meters.dlt645_orders import COMMANDS
from prewatt.meters.modbus import MAX_READ, MAX_WRITE
from prewatt.meters.reader import Table
from prewatt.meters.schema_blocks import Context
from prewatt.meters.shape import AbsoluteForm, CreditForm, LogForm, ModeForm, Setting
from prewatt.meters.vocabulary import QUANTITIES, RANGES

_REFUSALS = ("wrong-count", "ceiling", "not-held", "locked")
_ABSOLUTE_SIZES = {"remaining": 4, "count": 2, "serial": 6}
_LOG_SIZES = {"stamp": 6, "count": 2, "amount": 4, "remaining": 4, "energy": 4}


def credit(top: Table, context: Context) -> CreditForm | None:
    """The section ``[credit]``: amount (two registers) and purchase number (the third), written together."""
    if not top.has("credit"):
        return None
    table = top.table("credit")
    refusals: list[tuple[int, str]] = []
    if table.has("refusals"):
        inner = table.table("refusals")
        for key in inner.names():
            if not key.isdigit() or not 1 <= int(key) <= 255:
                inner.wrong(key, "is not an exception code 1 to 255")
                continue
            refusals.append((int(key), inner.text(key, among=_REFUSALS)))
    form = CreditForm(
        address=table.number("address", high=0xFFFF - 2),
        amount_type=table.text("amount", among=("i32", "u32")),
        multiplier=context.scale(table, "scale", context.dimension("credit")),
        refusals=tuple(refusals),
        proof=table.proof(context.sources),
    )
    table.close()
    return form


def absolute(top: Table, context: Context) -> AbsoluteForm | None:
    """The section ``[absolute]``: credit as remaining amount and number, by function 20 (class B)."""
    if not top.has("absolute"):
        return None
    table = top.table("absolute")
    registers = table.number("registers", low=1, high=MAX_WRITE)
    places = table.table("at")
    at = {name: places.number(name, low=1, high=2 * MAX_WRITE) for name in _ABSOLUTE_SIZES}
    places.close()
    for name, size in _ABSOLUTE_SIZES.items():
        if at[name] + size > 2 * registers:
            places.wrong(name, f"{size} bytes from {at[name]} end behind the area of {2 * registers} bytes")
    form = AbsoluteForm(
        area=table.number("area"),
        registers=registers,
        remaining=at["remaining"],
        number=at["count"],
        serial=at["serial"],
        multiplier=context.scale(table, "scale", context.dimension("credit")),
        proof=table.proof(context.sources),
    )
    table.close()
    return form


def log(top: Table, context: Context) -> LogForm | None:
    """The section ``[log]``."""
    if not top.has("log"):
        return None
    table = top.table("log")
    registers = table.number("registers", low=1, high=MAX_READ)
    places = table.table("at")
    at = {name: places.number(name, high=2 * MAX_READ) for name in _LOG_SIZES}
    places.close()
    taken: list[tuple[int, int, str]] = []
    for name, size in _LOG_SIZES.items():
        if at[name] + size > 2 * registers:
            places.wrong(name, f"{size} bytes from {at[name]} end behind the record of {2 * registers} bytes")
        for start, end, other in taken:
            if at[name] < end and start < at[name] + size:
                places.wrong(name, f"overlaps {other!r}")
        taken.append((at[name], at[name] + size, name))
    form = LogForm(
        address=table.number("address"),
        records=table.number("records", low=1, high=1000),
        registers=registers,
        stride=table.number("stride", low=1, high=MAX_READ),
        **at,
        multiplier=context.scale(table, "scale", context.dimension("credit")),
        energy_multiplier=context.scale(table, "energy_scale", "energy"),
        proof=table.proof(context.sources),
    )
    if form.stride not in (1, registers):
        table.wrong("stride", f"records lie {registers} registers apart, or each has an address of its own (1)")
    table.close()
    return form


def modes(top: Table, context: Context) -> ModeForm | None:
    """The section ``[modes]``: register words, or commands of DL/T 645, by supply mode."""
    if not top.has("modes"):
        return None
    table = top.table("modes")
    if context.codec == "dlt645":
        orders = {mode.value: table.texts(mode.value, among=COMMANDS) for mode in SupplyMode}
        commands = {mode: tuple(COMMANDS[one] for one in names if one in COMMANDS) for mode, names in orders.items()}
        found = ModeForm(0, commands, table.proof(context.sources))
        table.close()
        return found
    words = {mode.value: table.numbers(mode.value) for mode in SupplyMode}
    if len({len(one) for one in words.values()}) > 1:
        table.wrong("prepaid", "every mode must write the same number of registers")
    if any(len(one) > MAX_WRITE for one in words.values()):
        table.wrong("prepaid", f"more than {MAX_WRITE} registers")
    form = ModeForm(table.number("address"), words, table.proof(context.sources))
    table.close()
    return form


def settings(top: Table, context: Context) -> tuple[Setting, ...]:
    """The sections ``[[setting]]``: registers that can be written one by one."""
    found: list[Setting] = []
    for table in top.tables("setting", default=[]):
        name = table.text("name")
        if name not in QUANTITIES:
            table.wrong("name", f"unknown quantity {name!r}")
        if any(name == other.name for other in found):
            table.wrong("name", f"{name!r} stands twice")
        kind = table.text("type", among=tuple(RANGES))
        dimension = context.dimension(name)
        factor = 1 if dimension == "count" else context.scale(table, "scale", dimension)
        setting = Setting(name, table.number("at"), kind, factor, dimension, table.proof(context.sources))
        table.close()
        for other in found:
            if _overlap(setting, other):
                table.wrong("at", f"overlaps setting {other.name!r}")
        found.append(setting)
    return tuple(found)


def _overlap(one: Setting, other: Setting) -> bool:
    return one.address < other.address + _registers(other) and other.address < one.address + _registers(one)


def _registers(setting: Setting) -> int:
    return 2 if setting.type.endswith("32") else 1
