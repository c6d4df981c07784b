"""What a tenant draws: a load curve by hour and weekday for each kind of use, cumulative in closed form.

Energy is counted, power is its slope. The cumulative load ``Load.reached(t)`` is a pure whole-number function of time:
any two observers agree to the microjoule, an interval is the difference of two values, and a year costs what a minute
costs. Two hashed swings lie over the weekly curve: some days are busier, and no ten minutes are like the last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache

from prewatt.field.simulator.curves import CURVES

SITE_OFFSET_S = 8 * 3600  # civil time of the simulated building: China, no summer time
SLOT_S = 600
DAY_SLOTS = 86_400 // SLOT_S
WEEK_SLOTS = 7 * DAY_SLOTS
UJ_PER_WH = 3_600_000_000
_DAY_MS = 86_400_000
_SLOT_MS = SLOT_S * 1000
_MONDAY = 4  # days from the epoch (a Thursday) to the first Monday
_MASK = (1 << 64) - 1

KINDS = tuple(CURVES)

# the rate a shop's meter counts in, by hour: 0 sharp, 1 peak, 2 flat, 3 valley
BANDS = (3,) * 6 + (2,) * 2 + (1,) * 7 + (2,) * 3 + (1,) * 3 + (2,) + (3,) * 2


def mix(seed: int, key: int) -> int:
    """A 64-bit hash of two numbers (splitmix64), the same on every machine and in every process."""
    z = (seed + key * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def swing(seed: int, key: int) -> int:
    """A hashed number from -1000 to 1000."""
    return mix(seed, key) % 2001 - 1000


@dataclass(frozen=True, slots=True)
class _Week:
    """One kind's week in slots of ten minutes: draw in thousandths of the peak, and its sum up to each slot."""

    draw: tuple[int, ...]
    sum_to: tuple[int, ...]


@cache
def _week(kind: str) -> _Week:
    working, rest = CURVES[kind]
    draw: list[int] = []
    for day in range(7):
        hours = rest if day >= 5 else working
        for slot in range(DAY_SLOTS):
            hour, part = divmod(slot, 6)
            draw.append((hours[hour] * (6 - part) + hours[(hour + 1) % 24] * part) // 6)
    sums = [0]
    for value in draw:
        sums.append(sums[-1] + value)
    return _Week(tuple(draw), tuple(sums))


@dataclass(slots=True)
class Load:
    """The load of one tenant: kind of use, usual peak in W, and a seed of its own. Times are epoch milliseconds.

    Raises KeyError for a kind that is not in ``KINDS``.
    """

    kind: str
    scale_w: int
    seed: int
    _week: _Week = field(init=False, repr=False)
    _slot: int = field(default=-1, init=False, repr=False)
    _base: int = field(default=0, init=False, repr=False)
    _rate: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._week = _week(self.kind)

    def reached(self, at_ms: int) -> int:
        """Cumulative energy in microjoules since a fixed day long ago; never falls."""
        slot, into = divmod(at_ms + SITE_OFFSET_S * 1000, _SLOT_MS)
        if slot != self._slot:
            self._enter(slot)
        return self._base + self._rate * into // SLOT_S

    def power_w(self, at_ms: int) -> int:
        """Mean power of the ten minutes around that moment, in W."""
        slot = (at_ms + SITE_OFFSET_S * 1000) // _SLOT_MS
        if slot != self._slot:
            self._enter(slot)
        return self._rate // (SLOT_S * 1000)

    def energy_wh(self, from_ms: int, to_ms: int) -> int:
        """Whole watt-hours counted between two moments; the energies of adjoining intervals add up exactly."""
        return self.reached(to_ms) // UJ_PER_WH - self.reached(from_ms) // UJ_PER_WH

    def _enter(self, slot: int) -> None:
        self._slot = slot
        self._base = self._knot(slot)
        self._rate = (self._knot(slot + 1) - self._base) // 1000

    def _knot(self, slot: int) -> int:
        """Microjoules reached at the beginning of a slot: the week's curve, the day's swing and the slot's."""
        day, in_day = divmod(slot, DAY_SLOTS)
        week, weekday = divmod(day - _MONDAY, 7)
        first = weekday * DAY_SLOTS
        index = first + in_day
        sums, draw = self._week.sum_to, self._week.draw
        whole = week * sums[WEEK_SLOTS] + sums[index]
        so_far, of_day = sums[index] - sums[first], sums[first + DAY_SLOTS] - sums[first]
        low, high = self._day_swing(day, weekday), self._day_swing(day + 1, (weekday + 1) % 7)
        shape = (low * (of_day - so_far) + high * so_far) // of_day
        # a knot moves by at most a part of the smaller neighbour, so that the cumulative curve keeps rising
        ripple = min(draw[index], draw[index - 1]) * swing(self.seed ^ 0x51_07, slot)
        per_slot = SLOT_S * 1000 * self.scale_w  # microjoules of one thousandth of the peak during a slot
        return whole * per_slot + shape * per_slot // 12_000 + ripple * per_slot // 8_000

    def _day_swing(self, day: int, weekday: int) -> int:
        sums, first = self._week.sum_to, weekday * DAY_SLOTS
        of_day = sums[first + DAY_SLOTS] - sums[first]
        before = (first - DAY_SLOTS) % WEEK_SLOTS
        of_day_before = sums[before + DAY_SLOTS] - sums[before]
        return swing(self.seed ^ 0xDA_E0, day) * min(of_day, of_day_before)


@lru_cache(maxsize=1024)
def _load(kind: str, scale_w: int, seed: int) -> Load:
    return Load(kind, scale_w, seed)


def power_w(kind: str, scale_w: int, seed: int, t: float) -> int:
    """Power in W at an epoch second."""
    return _load(kind, scale_w, seed).power_w(int(t * 1000))


def energy_wh(kind: str, scale_w: int, seed: int, t0: float, t1: float) -> int:
    """Energy in Wh between two epoch seconds, exactly additive over adjoining intervals."""
    return _load(kind, scale_w, seed).energy_wh(int(t0 * 1000), int(t1 * 1000))


def band_energy_wh(kind: str, scale_w: int, seed: int, t0: float, t1: float) -> tuple[int, int, int, int]:
    """Energy in Wh between two epoch seconds as (sharp, peak, flat, valley) by the hours of ``BANDS``."""
    totals = [0, 0, 0, 0]
    at = t0
    while at < t1:
        hour = int(at + SITE_OFFSET_S) // 3600
        end = min(t1, float((hour + 1) * 3600 - SITE_OFFSET_S))
        totals[BANDS[hour % 24]] += energy_wh(kind, scale_w, seed, at, end)
        at = end
    return totals[0], totals[1], totals[2], totals[3]


def day_energy_wh(kind: str, scale_w: int) -> int:
    """What such a tenant uses on an average day, in Wh: the week's curve without its swings."""
    return _week(kind).sum_to[WEEK_SLOTS] * scale_w * SLOT_S // (1000 * 3600 * 7)
