"""What the measuring part of a meter shows: volts, amperes, power and power factor of each phase, from its load."""

from __future__ import annotations

from math import isqrt
from typing import NamedTuple

from prewatt.core.money import round_half_away
from prewatt.field.simulator.load import swing

GLIMPSE_MS = 30_000  # how long a momentary value lasts
_FACTORS = {"server": 975, "office": 940, "gym": 880, "restaurant": 905, "public": 860, "steady": 1000}


class Electrics(NamedTuple):
    """Momentary values: 0.1 V, 0.01 A, W, var, VA and thousandths, three phases each; unused phases are 0."""

    volts: tuple[int, int, int]
    amperes: tuple[int, int, int]
    watts: tuple[int, int, int]
    vars: tuple[int, int, int]
    factors: tuple[int, int, int]
    total_w: int
    total_var: int
    total_va: int
    total_factor: int


def measure(kind: str, seed: int, glimpse: int, mean_w: int, phases: int) -> Electrics:
    """Momentary values during one glimpse of a load of ``mean_w``. Voltage sags a little under load."""
    total = mean_w * (1000 + swing(seed ^ 0x9A, glimpse) // 33) // 1000
    # an idle meter has nothing to measure a factor of
    factor = min(1000, _FACTORS.get(kind, 920) + swing(seed ^ 0xF4, glimpse) // 70) if total else 1000
    volts = [2_215 + swing(seed ^ (0x70 + phase), glimpse) // 40 - total // (1500 * phases) for phase in range(phases)]
    lean = [seed >> (8 * phase) & 0x3F for phase in range(phases)]
    share = 1000 // phases
    watts = [total * (share + lean[phase] - lean[phase - 1]) // 1000 for phase in range(phases)]
    watts[0] += total - sum(watts)
    amperes = [round_half_away(watts[p] * 1_000_000, volts[p] * factor) for p in range(phases)]
    reactive = [_reactive(watts[p], factor) for p in range(phases)]
    va = total * 1000 // factor
    return Electrics(
        _three(volts), _three(amperes), _three(watts), _three(reactive), _three([factor] * phases),
        total, sum(reactive), va, factor,
    )  # fmt: skip


def _reactive(watts: int, factor: int) -> int:
    apparent = watts * 1000 // factor
    return isqrt(max(0, apparent * apparent - watts * watts))


def _three(values: list[int]) -> tuple[int, int, int]:
    return tuple(values + [0] * (3 - len(values)))  # type: ignore[return-value]
