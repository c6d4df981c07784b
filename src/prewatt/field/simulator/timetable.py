"""Tables of hours inside the meter: which rate counts now, and whether time control wants the contactor open.

Minutes are those of the meter's own day. Rate indices are 0 sharp, 1 peak, 2 flat, 3 valley, 4 deep valley; in the
registers they are one more. Source of the layouts: meters' own tables as read by a maker's PC tool and by EMS4J.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

DAY_MINUTES = 1440
SLOTS = 14
ZONES = 4


class Steps(NamedTuple):
    """A value that changes at minutes of the day; before the first change the last value of the day holds."""

    minutes: tuple[int, ...]
    values: tuple[int, ...]

    def at(self, minute: int) -> int:
        """The value that holds in that minute."""
        return self.values[bisect_right(self.minutes, minute) - 1]

    def next(self, minute: int) -> int:
        """The next minute at which the value may change; DAY_MINUTES when none is left today."""
        place = bisect_right(self.minutes, minute)
        return self.minutes[place] if place < len(self.minutes) else DAY_MINUTES


def _steps(entries: list[tuple[int, int]], otherwise: int) -> Steps:
    """Entries (minute, value) as they stand in the table; the first that does not come later ends it."""
    kept: list[tuple[int, int]] = []
    for minute, value in entries:
        if minute >= DAY_MINUTES or (kept and minute <= kept[-1][0]):
            break
        kept.append((minute, value))
    if not kept:
        kept = [(0, otherwise)]
    return Steps(tuple(minute for minute, _ in kept), tuple(value for _, value in kept))


def rates(table: bytes, *, hour_first: bool = False) -> Steps:
    """A day table of 14 slots (rate, minute, hour), or (rate, hour, minute). An unused slot has rate 0."""
    entries = []
    for start in range(0, len(table), 3):
        rate, low, high = table[start : start + 3]
        if not 1 <= rate <= 5:
            break
        minute = low * 60 + high if hour_first else high * 60 + low
        entries.append((minute, rate - 1))
    return _steps(entries, 2)


def day_table(bands: tuple[int, ...], *, hour_first: bool = False) -> bytes:
    """A day table from the rate of each of 24 hours."""
    table = bytearray()
    for hour, rate in enumerate(bands):
        if hour == 0 or rate != bands[hour - 1]:
            table += bytes((rate + 1, hour, 0) if hour_first else (rate + 1, 0, hour))
    return bytes(table.ljust(3 * SLOTS, b"\0"))


def table_of_day(zones: bytes, month: int, day: int) -> int:
    """Number (1 or 2) of the day table that holds on a date, from four zones (month, day, table) that begin there."""
    entries = sorted(
        (zones[start], zones[start + 1], zones[start + 2]) for start in range(0, 3 * ZONES, 3) if zones[start]
    )
    if not entries:
        return 1
    begun = [entry for entry in entries if entry[:2] <= (month, day)]
    return 2 if (begun or entries)[-1][2] == 2 else 1


def periods(words: list[int], *, hour_first: bool = False) -> Steps:
    """Eight periods (state, minute, hour) of time control in 12 registers; state 1 wants the contactor open."""
    raw = b"".join(word.to_bytes(2, "big") for word in words)
    entries = []
    for start in range(0, 24, 3):
        state, low, high = raw[start : start + 3]
        minute = low * 60 + high if hour_first else high * 60 + low
        entries.append((minute, 1 if state else 0))
    return _steps(entries, 0)
