"""From the bytes of a poll to whole numbers, compiled once per profile: the hot path of the head-end.

Each block becomes one precompiled Struct whose pad bytes skip what nobody asked for; it yields register counts, whole
numbers in the register's own scale. Scales are applied where a row or a view is made. Status bytes take few different
values, so their meaning is remembered.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from struct import Struct
from typing import NamedTuple

from prewatt.meters.dlt645_words import decimal
from prewatt.meters.modbus import crc
from prewatt.meters.row import ABSENT, ReadingRow
from prewatt.meters.scaling import scaled
from prewatt.meters.shape import Block, Field, Profile
from prewatt.meters.status import UNKNOWN, Status, status
from prewatt.meters.vocabulary import PACKED, TYPES

# columns of a row that are quantities, in its order
QUANTITY_COLUMNS = (
    "energy", "sharp", "peak", "flat", "valley", "deep", "credit", "total_purchased", "purchase_number", "power",
    "voltage_a", "voltage_b", "voltage_c", "current_a", "current_b", "current_c", "power_factor",
)  # fmt: skip
_CREDIT = QUANTITY_COLUMNS.index("credit")
_REMEMBERED = 4096
_HEAD = 3  # unit, function, byte count


class _Column(NamedTuple):
    """Where a row's column comes from: place in the values, and multiplier."""

    place: int
    multiplier: int


NO_RATIOS: Mapping[str, int] = {"pt": 1, "ct": 1}


class _Layout:
    """One block's Struct, or its reader of packed decimals, and the names of what it yields."""

    def __init__(self, block: Block) -> None:
        item = block.width == 1
        self.fields = tuple(
            one for one in block.fields if (one.type in PACKED or one.bits if item else TYPES[one.type][1])
        )
        self.names = tuple(one.name for one in self.fields)
        self.size = block.size
        self.steady = _steady(block)
        self.plain = not item and all(one.plain for one in self.fields)
        self.unpack: Callable[[bytes], tuple[int, ...]] = self._unpack_item
        if not item:
            struct = _struct(block, self.fields)
            self.unpack, self.unpack_from = struct.unpack, struct.unpack_from

    def _unpack_item(self, body: bytes) -> tuple[int, ...]:
        """Counts of a data item; ABSENT where the meter has fewer phases or bands, or writes no digits."""
        return tuple([_packed(body[one.offset : one.offset + one.size], one) for one in self.fields])


class Decoder:
    """Reads the bodies of one profile's blocks. Make it through ``decoder``, which keeps one per profile."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._layouts = {block.name: _Layout(block) for block in profile.blocks}
        self._unpack = {name: layout.unpack for name, layout in self._layouts.items()}
        self._unpack_from = {
            block.name: self._layouts[block.name].unpack_from for block in profile.blocks if block.width != 1
        }
        self._row_blocks = _row_blocks(profile)
        self._absent = {name: (ABSENT,) * len(self._layouts[name].names) for name in self._row_blocks}
        self._statuses: dict[tuple[int, ...], Status] = {}
        self._columns: tuple[_Column, ...]
        self._status_places: tuple[int, ...]
        self._status_fields: tuple[Field, ...]
        self._resolve()

    def names(self, block: str) -> tuple[str, ...]:
        """Names of the values that ``decode`` yields for a block."""
        return self._layouts[block].names

    def decode(self, block: str, body: bytes) -> tuple[int, ...]:
        """Counts of a block, in the order of ``names``. Raises struct.error for registers of another length."""
        return self._unpack[block](body)

    def decode_frame(self, block: str, frame: bytes) -> tuple[int, ...] | None:
        """The same straight from a whole answer, checking its CRC: None when it does not hold."""
        if crc(frame[:-2]) != frame[-2] | frame[-1] << 8:
            return None
        return self._unpack_from[block](frame, _HEAD)

    def values(self, block: str, body: bytes, context: Mapping[str, int] | None = None) -> dict[str, int]:
        """Quantities of a block in canonical units, and its status bytes as they are; without what is not there.

        ``context`` as ``context`` gives it; without one, the block by itself with ratios of 1.
        """
        layout = self._layouts[block]
        counts = layout.unpack(body)
        if layout.plain:
            return {one.name: count * one.multiplier for one, count in zip(layout.fields, counts, strict=True)}
        if context is None:
            context = self.context({block: body})
        found = {one.name: scaled(count, one, context) for one, count in zip(layout.fields, counts, strict=True)}
        return {name: value for name, value in found.items() if value != ABSENT}

    def context(self, bodies: Mapping[str, bytes], ratios: Mapping[str, int] = NO_RATIOS) -> dict[str, int]:
        """What values may depend on: decimal points and signs as read, and the ratios from where the profile says.

        ``ratios`` are those of the estate.
        """
        counts: dict[str, int] = {}
        for name, body in bodies.items():
            if name in self._layouts:
                layout = self._layouts[name]
                for one, count in zip(layout.fields, layout.unpack(body), strict=True):
                    counts.setdefault(one.name, count)
        for name, source in self.profile.ratios.items():
            if source == "estate":
                counts[name] = ratios[name]
        return counts

    def bits(self, block: str, body: bytes) -> dict[str, bool]:
        """Status bits of a block by name."""
        layout = self._layouts[block]
        counts = layout.unpack(body)
        return _named_bits(pair for pair in zip(layout.fields, counts, strict=True) if pair[1] != ABSENT)

    def same(self, block: str, body: bytes, last: bytes) -> bool:
        """Whether two bodies agree but for what moves by itself, such as the meter's clock."""
        if body == last:
            return True
        return len(body) == len(last) and all(body[a:b] == last[a:b] for a, b in self._layouts[block].steady)

    def row(
        self, meter_id: int, at_ms: int, store: int, bodies: Mapping[str, bytes],
        ratios: Mapping[str, int] = NO_RATIOS,
    ) -> ReadingRow:  # fmt: skip
        """One row from the bodies of a sweep. Blocks that were not read leave their columns ABSENT.

        ``ratios``: of the transformers in front of this meter, as the estate has them.
        """
        counts: tuple[int, ...] = ()
        for name in self._row_blocks:
            body = bodies.get(name)
            counts += self._absent[name] if body is None else self._unpack[name](body)
        counts += (ABSENT,)
        if self._plain:
            amounts = [
                ABSENT if (count := counts[place]) == ABSENT else count * multiplier
                for place, multiplier in self._columns
            ]
        else:
            amounts = self._scaled(counts, self.context(bodies, ratios))
        found = self._status(counts, amounts[_CREDIT] > 0)
        return ReadingRow._make((meter_id, at_ms, store, *amounts, *found, self.clock(bodies)))

    def clock(self, bodies: Mapping[str, bytes]) -> int:
        """The meter's own clock as if UTC, epoch seconds; ABSENT when it was not read or makes no sense."""
        if self._clock is None:
            return ABSENT
        name, start, end = self._clock
        body = bodies.get(name)
        return ABSENT if body is None else epoch(body[start:end])

    def _scaled(self, counts: tuple[int, ...], context: Mapping[str, int]) -> list[int]:
        """The columns of a row where decimal points, ratios or floats are in play."""
        amounts = [
            ABSENT if one is None else scaled(counts[place], one, context)
            for (place, _), one in zip(self._columns, self._column_fields, strict=True)
        ]
        if self._overdrawn is not None:
            owed = scaled(counts[self._overdrawn[0]], self._overdrawn[1], context)
            amounts[_CREDIT] = net(amounts[_CREDIT], owed)
        return amounts

    def _status(self, counts: tuple[int, ...], funded: bool) -> Status:
        key = (funded, *[counts[place] for place in self._status_places])
        found = self._statuses.get(key)
        if found is None:
            if len(self._statuses) >= _REMEMBERED:
                self._statuses.clear()
            known = [pair for pair in zip(self._status_fields, key[1:], strict=True) if pair[1] != ABSENT]
            found = status(_named_bits(known), self.profile.phases, funded=funded) if known else UNKNOWN
            self._statuses[key] = found
        return found

    def _resolve(self) -> None:
        """Where each column of a row comes from: the first block, in reading order, that has it."""
        places: dict[str, tuple[int, Field]] = {}
        place = 0
        self._clock: tuple[str, int, int] | None = None
        for name in self._row_blocks:
            for one in self._layouts[name].fields:
                places.setdefault(one.name, (place, one))
                place += 1
            clock = self.profile.block(name).field("clock")
            if clock is not None and self._clock is None:
                self._clock = (name, clock.offset, clock.offset + clock.size)
        nowhere = _Column(place, 1)
        self._columns = tuple(
            _Column(places[name][0], places[name][1].multiplier) if name in places else nowhere
            for name in QUANTITY_COLUMNS
        )
        self._column_fields = tuple(places[name][1] if name in places else None for name in QUANTITY_COLUMNS)
        self._overdrawn = places.get("overdrawn")
        self._plain = self._overdrawn is None and all(self._layouts[name].plain for name in self._row_blocks)
        found = [(at, one) for at, one in places.values() if one.bits]
        self._status_places = tuple(at for at, _ in found)
        self._status_fields = tuple(one for _, one in found)


@cache
def decoder(profile: Profile) -> Decoder:
    """The compiled decoder of a profile."""
    return Decoder(profile)


def net(credit: int, overdrawn: int) -> int:
    """Remaining credit less what is owed, for meters that keep the two apart."""
    if ABSENT in (credit, overdrawn):
        return credit
    return credit - overdrawn


def _packed(raw: bytes, one: Field) -> int:
    if len(raw) < one.size:
        return ABSENT
    if one.bits:
        return raw[0]
    value = decimal(raw, signed=PACKED[one.type][1])
    return ABSENT if value is None else value


@lru_cache(maxsize=64)
def _midnight(year: int, month: int, day: int) -> int:
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(2000 + year, month)[1]:
        return ABSENT
    return calendar.timegm((2000 + year, month, day, 0, 0, 0))


def epoch(clock: bytes) -> int:
    """A meter's clock bytes (YY MM DD [weekday] hh mm ss) as if UTC, epoch seconds; ABSENT when they make no sense."""
    hour, minute, second = clock[-3:]
    if clock[0] > 99 or hour > 23 or minute > 59 or second > 59:
        return ABSENT
    midnight = _midnight(clock[0], clock[1], clock[2])
    return midnight if midnight == ABSENT else midnight + 3600 * hour + 60 * minute + second


def digits(bcd: bytes) -> str | None:
    """Packed decimal digits as text; None when a half-byte is no digit, or all are 0 (never written at the factory)."""
    text = bcd.hex()
    return text if text.isdigit() and text.strip("0") else None


def _row_blocks(profile: Profile) -> tuple[str, ...]:
    """The sweep, and what evidence adds to it (the total of purchases)."""
    swept = {one.name for name in profile.sweep for one in profile.block(name).fields}
    more = [
        name for name in profile.evidence
        if name not in profile.sweep
        and any(one.name in QUANTITY_COLUMNS and one.name not in swept for one in profile.block(name).fields)
    ]  # fmt: skip
    return (*profile.sweep, *more)


def _named_bits(pairs: Iterable[tuple[Field, int]]) -> dict[str, bool]:
    return {name: bool(byte >> bit & 1) for one, byte in pairs for name, bit in one.bits}


def _struct(block: Block, fields: tuple[Field, ...]) -> Struct:
    form, at = ">", 0
    for one in fields:
        if one.offset > at:
            form += f"{one.offset - at}x"
        form += TYPES[one.type][1]
        at = one.offset + one.size
    return Struct(form + (f"{block.size - at}x" if block.size > at else ""))


def _steady(block: Block) -> tuple[tuple[int, int], ...]:
    """The byte ranges between those that move by themselves."""
    found: list[tuple[int, int]] = []
    at = 0
    for start, end in block.volatile:
        if start > at:
            found.append((at, start))
        at = end
    if at < block.size:
        found.append((at, block.size))
    return tuple(found)
