"""Holding registers as spans of a meter: what may be read and written, and which exception answers the rest.

A read is served when every register of it is mapped, wherever it begins and ends; anything else is exception 02. A
write is judged whole before any of it is done, so that a refused frame changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.meters.modbus import ILLEGAL_ADDRESS, ILLEGAL_VALUE

Read = Callable[[SimulatedMeter], bytes]
# (meter, first register within the span, words, only judge) -> exception code, 0 when fine
Write = Callable[[SimulatedMeter, int, Sequence[int], bool], int]


@dataclass(frozen=True, slots=True)
class Span:
    """Some registers in a row that are read as one value or one block. ``step`` bytes lie behind each address."""

    address: int
    count: int
    read: Read
    write: Write | None = None
    step: int = 2

    @property
    def end(self) -> int:
        return self.address + self.count


class RegisterMap:
    """The registers of one model."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = sorted(spans, key=lambda span: span.address)
        for before, after in zip(self._spans, self._spans[1:], strict=False):
            assert before.end <= after.address, f"{before.address:04X} and {after.address:04X} overlap"
        self._reads: dict[tuple[int, int], tuple[tuple[Read, int, int], ...] | None] = {}

    def read(self, meter: SimulatedMeter, address: int, count: int) -> bytes | None:
        """Register bytes, or None when one of them is not mapped."""
        key = (address, count)
        if key not in self._reads:
            self._reads[key] = self._plan_read(address, count)
        plan = self._reads[key]
        if plan is None:
            return None
        if len(plan) == 1:
            read, start, end = plan[0]
            return read(meter)[start:end]
        return b"".join(read(meter)[start:end] for read, start, end in plan)

    def _plan_read(self, address: int, count: int) -> tuple[tuple[Read, int, int], ...] | None:
        parts: list[tuple[Read, int, int]] = []
        at, end = address, address + count
        while at < end:
            span = self._span_at(at)
            if span is None:
                return None
            if span.step != 2:
                start = (at - span.address) * span.step
                if start + 2 * (end - at) > span.count * span.step:
                    return None
                parts.append((span.read, start, start + 2 * (end - at)))
                break
            stop = min(end, span.end)
            parts.append((span.read, 2 * (at - span.address), 2 * (stop - span.address)))
            at = stop
        return tuple(parts)

    def write(self, meter: SimulatedMeter, address: int, words: Sequence[int]) -> int:
        """Write registers; an exception code, 0 when all was done."""
        parts: list[tuple[Write, int, Sequence[int]]] = []
        at, end = address, address + len(words)
        while at < end:
            span = self._span_at(at)
            if span is None or span.write is None:
                return ILLEGAL_ADDRESS
            stop = min(end, span.end)
            parts.append((span.write, at - span.address, words[at - address : stop - address]))
            at = stop
        for write, offset, part in parts:
            if code := write(meter, offset, part, True):
                return code
        for write, offset, part in parts:
            write(meter, offset, part, False)
        return 0

    def _span_at(self, address: int) -> Span | None:
        for span in self._spans:
            if span.address <= address < span.end:
                return span
        return None


def whole(
    count: int, judge: Callable[[SimulatedMeter, int], bool], put: Callable[[SimulatedMeter, int], None]
) -> Write:
    """A value of one or two registers, big word first, that is only written whole and only when ``judge`` agrees."""

    def write(meter: SimulatedMeter, offset: int, words: Sequence[int], dry: bool) -> int:
        if offset or len(words) != count:
            return ILLEGAL_VALUE
        value = words[0] if count == 1 else words[0] << 16 | words[1]
        if dry:
            return 0 if judge(meter, value) else ILLEGAL_VALUE
        put(meter, value)
        meter.touched()
        return 0

    return write


def value(
    address: int,
    count: int,
    get: Callable[[SimulatedMeter], int],
    put: Callable[[SimulatedMeter, int], None] | None = None,
    judge: Callable[[SimulatedMeter, int], bool] = lambda _meter, _value: True,
) -> Span:
    """A whole number in one or two registers, negative ones as two's complement; writable when ``put`` is given."""
    size, mask = 2 * count, (1 << (16 * count)) - 1
    write = whole(count, judge, put) if put else None
    return Span(address, count, lambda meter: (get(meter) & mask).to_bytes(size, "big"), write)


def words_of(
    address: int,
    count: int,
    get: Callable[[SimulatedMeter], list[int]],
    *,
    first: int = 0,
    after: Callable[[SimulatedMeter], None] | None = None,
) -> Span:
    """A bank of registers of which any part may be read and written; a part of a list of the meter, from ``first``."""

    def write(meter: SimulatedMeter, offset: int, words: Sequence[int], dry: bool) -> int:
        if not dry:
            get(meter)[first + offset : first + offset + len(words)] = list(words)
            if after:
                after(meter)
            meter.touched()
        return 0

    def read(meter: SimulatedMeter) -> bytes:
        return b"".join(word.to_bytes(2, "big") for word in get(meter)[first : first + count])

    return Span(address, count, read, write)


def bytes_of(address: int, count: int, get: Callable[[SimulatedMeter], bytearray]) -> Span:
    """A bank of registers kept as bytes: a table of hours."""

    def write(meter: SimulatedMeter, offset: int, words: Sequence[int], dry: bool) -> int:
        if not dry:
            raw = b"".join(word.to_bytes(2, "big") for word in words)
            get(meter)[2 * offset : 2 * offset + len(raw)] = raw
            meter.touched()
        return 0

    return Span(address, count, lambda meter: bytes(get(meter)), write)


def constant(address: int, raw: bytes) -> Span:
    """Registers that never change."""
    return Span(address, len(raw) // 2, lambda _meter: raw)


def credit_write(meter: SimulatedMeter, offset: int, words: Sequence[int], dry: bool, *, signed: bool) -> int:
    """Amount (two registers) and new purchase count, written together or not at all."""
    if offset or len(words) != 3:
        return ILLEGAL_VALUE
    amount = words[0] << 16 | words[1]
    if signed and amount >= 1 << 31:
        amount -= 1 << 32
    if dry:
        return meter.purse.refusal(amount, words[2])
    meter.buy(amount, words[2])
    return 0


def credit_shown(meter: SimulatedMeter) -> bytes:
    """The purchase registers read back: the last purchase that was taken."""
    return (meter.purse.last_amount & 0xFFFFFFFF).to_bytes(4, "big") + meter.purse.count.to_bytes(2, "big")
