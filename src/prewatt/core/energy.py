"""Energy in watt-hours and prices in 1/10000 yuan per kWh, always whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

from prewatt.core.money import Money, round_half_away

WH_PER_KWH = 1000
PRICE_SCALE = 10_000
# price units (1/10000 yuan per kWh) times watt-hours, for one fen
EXACT_PER_FEN = PRICE_SCALE * WH_PER_KWH // 100


@dataclass(frozen=True, slots=True, order=True)
class Price:
    """Price of one kWh in 1/10000 yuan."""

    per_kwh: int

    def __str__(self) -> str:
        yuan, rest = divmod(self.per_kwh, PRICE_SCALE)
        return f"{yuan}.{rest:04d}"


def cost(energy_wh: int, price: Price) -> Money:
    """What an amount of energy costs, rounded once to the fen."""
    return Money(round_half_away(energy_wh * price.per_kwh, EXACT_PER_FEN))


def energy_for(money: Money, price: Price) -> int:
    """About how many watt-hours an amount buys at one price; 0 when the price is 0."""
    if price.per_kwh <= 0:
        return 0
    return round_half_away(money.fen * EXACT_PER_FEN, price.per_kwh)


def kwh(energy_wh: int) -> str:
    """Energy as kWh with two places, half away from zero: ``12,345.67``."""
    hundredths = round_half_away(energy_wh, 10)
    sign = "-" if hundredths < 0 else ""
    whole, rest = divmod(abs(hundredths), 100)
    return f"{sign}{whole:,}.{rest:02d}"
