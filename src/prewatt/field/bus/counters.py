"""What a line did since the last report: counts, how busy it was, and how long its meters took."""

from __future__ import annotations

from collections import deque

from prewatt.field.bus.exchange import Outcome

KEPT_LATENCIES = 1024  # the newest


class Counters:
    """Plain numbers, taken and cleared by the report."""

    __slots__ = ("busy_s", "crc_errors", "ever", "exceptions", "exchanges", "foreign", "latencies", "timeouts")

    def __init__(self) -> None:
        self.ever = 0  # exchanges before the last report
        self.exchanges = 0
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.ever += self.exchanges
        self.exchanges = 0
        self.timeouts = 0
        self.crc_errors = 0
        self.foreign = 0
        self.exceptions = 0
        self.busy_s = 0.0
        self.latencies: deque[float] = deque(maxlen=KEPT_LATENCIES)

    def took(self, seconds: float) -> None:
        """An exchange ended with the meter's answer."""
        self.exchanges += 1
        self.busy_s += seconds
        self.latencies.append(seconds)

    def lost(self, seconds: float, outcome: Outcome) -> None:
        """An exchange ended without one."""
        self.exchanges += 1
        self.busy_s += seconds
        if outcome is Outcome.CRC:
            self.crc_errors += 1
        else:
            self.timeouts += 1

    def percentile_ms(self, percent: int) -> int:
        """How long the meters took; 0 when none answered."""
        if not self.latencies:
            return 0
        ordered = sorted(self.latencies)
        return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000)
