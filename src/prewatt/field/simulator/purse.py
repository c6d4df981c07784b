"""The purse inside the meter: money that runs down as energy is counted, and a count that guards each purchase.

A meter counts in hundredths of a kWh and charges each as it is counted; what is less than a fen is carried exactly, so
``bought - remaining`` is always the cost of the counted energy rounded down, whatever the prices were on the way.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

from prewatt.core.energy import EXACT_PER_FEN

QUANTUM_WH = 10  # 0.01 kWh, the unit of the register
RECORDS = 20
WRONG_COUNT, OUT_OF_BOUNDS = 3, 4
_RECORD = Struct(">6sHiiI")
RECORD_BYTES = _RECORD.size
_EMPTY = bytes(RECORD_BYTES)
_HIGHEST = 2**31 - 1


@dataclass(slots=True)
class Purse:
    """Credit in fen. ``prices`` in 1/10000 yuan per kWh: sharp, peak, flat, valley, deep valley."""

    prices: list[int]
    remaining: int = 0
    count: int = 0
    total: int = 0
    base: int = 0  # a free allowance, spent before the bought money
    alarm_1: int = 0
    alarm_2: int = 0
    overdraft: int = 0
    ceiling: int = 0  # 0: none
    signed: bool = True  # takes a negative amount, which gives credit back
    owed: int = 0  # charged but less than a fen: 1/10000 yuan per kWh times Wh
    last_amount: int = 0
    log: deque[bytes] = field(default_factory=lambda: deque(maxlen=RECORDS))  # newest first

    def charge(self, quanta: int, rate: int) -> None:
        """Take the price of that many hundredths of a kWh counted in a rate."""
        fen, self.owed = divmod(self.owed + quanta * QUANTUM_WH * self.prices[rate], EXACT_PER_FEN)
        free = min(self.base, fen)
        self.base -= free
        self.remaining -= fen - free

    def quanta_to(self, level: int, rate: int) -> int | None:
        """How many hundredths of a kWh bring the credit down to ``level`` or below; None when that rate is free."""
        price = self.prices[rate]
        if not price:
            return None
        missing = (self.remaining - level + self.base) * EXACT_PER_FEN - self.owed
        return max(1, -(-missing // (QUANTUM_WH * price)))

    def refusal(self, amount: int, count: int) -> int:
        """Why a purchase would be refused, as an exception code; 0 when it would not be. The count is judged first."""
        if count == self.count:
            return 0
        if count != (self.count + 1) & 0xFFFF or amount == 0:
            return WRONG_COUNT
        after = self.remaining + amount
        if amount < 0 and (after < 0 or not self.signed):
            return OUT_OF_BOUNDS
        if amount > 0 and (after > _HIGHEST or (self.ceiling and after > self.ceiling)):
            return OUT_OF_BOUNDS
        return 0

    def buy(self, amount: int, count: int, stamp: bytes, energy: int, *, torn: bool = False) -> bool:
        """Book a purchase that is not refused; False when its count is already held and nothing changed.

        ``stamp`` is the meter's clock, ``energy`` its register in 0.01 kWh. ``torn``: the supply fails after count and
        credit are written, before total and log are.
        """
        if count == self.count:
            return False
        self.count = count
        self.remaining += amount  # a debt is settled first by itself: the credit is signed
        if torn:
            return True
        self.total += amount
        self.last_amount = amount
        self.log.appendleft(_RECORD.pack(stamp, count, amount, self.remaining, energy & 0xFFFFFFFF))
        return True

    def remember(self, stamp: bytes, count: int, amount: int, after: int, energy: int) -> None:
        """Write a purchase of the past into the log, newest last."""
        self.log.appendleft(_RECORD.pack(stamp, count, amount, after, energy & 0xFFFFFFFF))

    def log_bytes(self) -> bytes:
        """The log as it lies in the registers: 20 records, newest first, zeros where none is."""
        return b"".join(self.log) + _EMPTY * (RECORDS - len(self.log))

    def restore(self, kept: dict[str, Any], log: bytes) -> None:
        """Go back to what a snapshot says."""
        for name, value in kept.items():
            setattr(self, name, value)
        self.log = deque((log[at : at + RECORD_BYTES] for at in range(0, len(log), RECORD_BYTES)), RECORDS)

    def records(self) -> list[dict[str, Any]]:
        """The log for people, newest first."""
        found = []
        for record in self.log:
            stamp, count, amount, after, energy = _RECORD.unpack(record)
            year, month, day, hour, minute, second = stamp
            found.append({
                "at": f"20{year:02d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}",
                "count": count, "amount_fen": amount, "remaining_fen": after, "energy_wh": energy * QUANTUM_WH,
            })  # fmt: skip
        return found
