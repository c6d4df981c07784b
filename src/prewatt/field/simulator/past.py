"""What a meter of the plan lived through before the first day: its purchases and how its register filled.

Told backwards from the credit it holds on the first day, so that history, log and purse agree: credit before a moment
is what it holds now, plus what it has used since, less what was bought since.
"""

from __future__ import annotations

from dataclasses import dataclass

from prewatt.core.energy import EXACT_PER_FEN
from prewatt.field.simulator.chance import stream
from prewatt.field.simulator.load import SITE_OFFSET_S, band_energy_wh, day_energy_wh, energy_wh
from prewatt.field.simulator.plan import MeterPlan

HORIZON_DAYS = 60
_DAY_S = 86_400
_ROUND_FEN = 50_00


@dataclass(frozen=True, slots=True)
class PastPurchase:
    """A purchase before the first day; ``at`` in epoch seconds, credit in fen, register in Wh."""

    at: int
    count: int
    amount_fen: int
    before_fen: int
    after_fen: int
    energy_wh: int


@dataclass(frozen=True, slots=True)
class Past:
    """A meter's past: purchases of the last weeks, oldest first, and count and total on the first day."""

    purchases: tuple[PastPurchase, ...]
    count: int
    total_fen: int


def credit_at(meter: MeterPlan, start: float, at: float, purchases: tuple[PastPurchase, ...] = ()) -> int:
    """Credit in fen at a moment before ``start``, the first day."""
    used = energy_wh(meter.kind, meter.scale_w, meter.seed, at, start) * meter.price // EXACT_PER_FEN
    return meter.credit_fen + used - sum(bought.amount_fen for bought in purchases if bought.at > at)


def past(meter: MeterPlan, start: float) -> Past:
    """The purchases before ``start`` that led to what the plan says the meter holds then."""
    if not meter.opened:
        return Past((), 0, 0)
    rng = stream("past", meter.seed)
    a_day = max(1, day_energy_wh(meter.kind, meter.scale_w) * meter.price // EXACT_PER_FEN)
    usual = max(_ROUND_FEN, a_day * rng.randrange(10, 22) // _ROUND_FEN * _ROUND_FEN)
    midnight = int(start + SITE_OFFSET_S) // _DAY_S * _DAY_S - SITE_OFFSET_S
    found: list[tuple[int, int, int]] = []
    bought = 0
    for day in range(rng.randrange(1, 18), min(HORIZON_DAYS, meter.opened_days) + 1):
        at = midnight - day * _DAY_S + rng.randrange(9 * 3600, 18 * 3600)
        after = credit_at(meter, start, at) - bought
        # people buy when little is left: whatever is more than that was bought now
        amount = (after - rng.randrange(5_00, 60_00)) // _ROUND_FEN * _ROUND_FEN
        if amount >= usual:
            found.append((at, amount, after))
            bought += amount
    earlier = _earlier(meter, bought)
    count = len(found) + earlier // (usual + _ROUND_FEN) + 1
    purchases = tuple(
        PastPurchase(at, count - place, amount, after - amount, after, _register(meter, start, at))
        for place, (at, amount, after) in enumerate(found)
    )
    return Past(purchases[::-1], count, earlier + bought)


def opening_bands(meter: MeterPlan, start: float) -> tuple[int, int, int, int]:
    """The register of the first day in Wh as (sharp, peak, flat, valley), in whole hundredths of a kWh."""
    week = band_energy_wh(meter.kind, meter.scale_w, meter.seed, start - 7 * _DAY_S, start)
    total = sum(week) or 1
    sharp, peak, _flat, valley = (meter.energy_wh * part // total // 10 * 10 for part in week)
    return sharp, peak, meter.energy_wh - sharp - peak - valley, valley


def _register(meter: MeterPlan, start: float, at: int) -> int:
    return max(0, meter.energy_wh - energy_wh(meter.kind, meter.scale_w, meter.seed, at, start))


def _earlier(meter: MeterPlan, bought: int) -> int:
    """What was bought before the weeks told here: what the register says was used, plus what is left, less the rest."""
    used = meter.energy_wh * meter.price // EXACT_PER_FEN
    return max(0, used + meter.credit_fen - bought) // _ROUND_FEN * _ROUND_FEN
