"""The clock as a parameter. A whole home shares one scaled clock: an hour of a building can pass in a minute."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time of the site. Both readings run at the same pace."""

    def now(self) -> datetime:
        """Aware UTC time of the site."""

    def monotonic(self) -> float:
        """Seconds of site time since some fixed moment; never goes back."""

    def real(self, seconds: float) -> float:
        """How many wall seconds that many seconds of site time take: what to pass to a sleep or a loop timer."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def real(self, seconds: float) -> float:
        return seconds


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """Site time at ``speed`` times the pace, from ``site_origin`` at wall time ``wall_origin`` (both epoch s)."""

    wall_origin: float
    site_origin: float
    speed: float

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.site_origin + (time.time() - self.wall_origin) * self.speed, UTC)

    def monotonic(self) -> float:
        return time.monotonic() * self.speed

    def real(self, seconds: float) -> float:
        return seconds / self.speed


class SteppedClock:
    """A clock moved by hand: for tests and for storms in virtual time."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def real(self, seconds: float) -> float:
        return seconds

    def step(self, seconds: float) -> None:
        """Let that many seconds pass. Raises ValueError for a negative step."""
        if seconds < 0:
            raise ValueError(seconds)
        self._elapsed += seconds
