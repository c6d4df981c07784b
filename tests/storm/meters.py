"""Meters of the storm: simulated ones that write down what really happened to their purse. This is the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.plan import MeterPlan
from tests.storm.arena import PROFILE


@dataclass(frozen=True, slots=True)
class Applied:
    """A purchase that a meter took."""

    serial: str
    count: int
    amount: int
    whole: bool  # False: the power failed between count and total
    foreign: bool  # written by somebody else
    life: int = 0  # how often the meter was initialised before: what it held then is gone


class StormMeter(SimulatedMeter):
    """A meter with a past of two numbers, so that making one costs nothing."""

    def __init__(
        self, serial: str, address: int, start_ms: int, opening: tuple[int, int], load_w: int,
        tell: Callable[[Applied], None],
    ) -> None:  # fmt: skip
        plan = MeterPlan(f"meter {address}", address, PROFILE, serial, scale_w=load_w, seed=address, opened=False,
                         credit_fen=1_000_00)  # fmt: skip
        super().__init__(plan, start_ms)
        self.purse.count, self.purse.total = opening
        for number in range(max(1, opening[0] - 2), opening[0] + 1):
            self.purse.remember(self._stamp(start_ms - 86_400_000), number, 50_03, 60_00, 0)
        self.opening_total = opening[1]
        self.taken_total = opening[1]  # what its total must be: grows with each whole purchase
        self.life = 0
        self._tell = tell
        self.foreign = False

    def buy(self, amount: int, count: int) -> bool:
        before = self.purse.count, self.purse.total
        done = super().buy(amount, count)
        if self.purse.count != before[0]:
            whole = self.purse.total != before[1]
            self.taken_total += amount if whole else 0
            self._tell(Applied(self.serial, count, amount, whole, self.foreign, self.life))
        return done

    def foreign_purchase(self, amount: int) -> None:
        """Somebody with the maker's tool sells to it."""
        self.foreign = True
        self.buy(amount, self.purse.count + 1)
        self.foreign = False

    def reset(self) -> None:
        """Initialised: count, total, credit and log are gone."""
        self.purse.count = self.purse.total = self.purse.remaining = self.taken_total = self.opening_total = 0
        self.purse.log.clear()
        self.life += 1
        self.touched()
