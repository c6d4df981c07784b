"""Site time twice over: the monotonic seconds that pace the wire, and the epoch milliseconds that facts carry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil, inf

from prewatt.core.clock import Clock


class SiteTime:
    """Turns one into the other cheaply. ``settle`` compares the two once in a while; between, they run together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.now = clock.monotonic
        self._offset_s = 0.0
        self.settle()

    def settle(self) -> None:
        """Look at both clocks again: the wall clock may have been set."""
        self._offset_s = self._clock.now().timestamp() - self._clock.monotonic()

    def at_ms(self, now: float) -> int:
        """Epoch milliseconds of a monotonic moment."""
        return round((now + self._offset_s) * 1000)

    def monotonic_of(self, at_ms: int) -> float:
        """The monotonic moment of epoch milliseconds."""
        return at_ms / 1000 - self._offset_s

    def call_at(self, moment: float, call: Callable[[], None]) -> None:
        """Call it at a monotonic moment; from within the event loop."""
        delay = max(0.0, self._clock.real(moment - self.now()))
        asyncio.get_running_loop().call_later(delay, call)

    async def sleep(self, seconds: float, at_least_wall_s: float = 0.0) -> None:
        """Sleep so many site seconds, but not less than that much of the wall's."""
        await asyncio.sleep(max(self._clock.real(seconds), at_least_wall_s))

    def boundary_after(self, now: float, interval_s: int) -> float:
        """The next multiple of the interval on the site's clock: the half hours, for an interval of 1800."""
        if interval_s <= 0:
            return inf
        epoch = now + self._offset_s
        boundary = ceil(epoch / interval_s) * interval_s
        if boundary <= epoch:
            boundary += interval_s
        return boundary - self._offset_s
