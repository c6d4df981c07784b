"""One timer for all lines: which line must be woken next, to break a silence or to give up waiting for an answer.

Nearly every answer comes in time, so a deadline is entered once and only looked at again when it comes: the line says
whether it still waits. That keeps one heap entry a line instead of a timer a transaction.
"""

from __future__ import annotations

import asyncio
from heapq import heappop, heappush
from math import inf
from typing import Protocol

from prewatt.core.clock import Clock

EARLY_S = 1e-6  # site seconds a line may be woken early, because sums of floats are not exact
SPIN_S = 0.0012  # wall seconds: the event loop's timers are late by up to a millisecond


class Sleeper(Protocol):
    """A line on the timetable."""

    precise: bool

    def ring(self, at: float, now: float) -> None:
        """The time ``at`` that was asked for has come; ``now`` is not before it."""


class Timetable:
    """Wakes lines by the site's clock."""

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = clock
        self._loop = loop
        self._entries: list[tuple[float, int, Sleeper]] = []
        self._number = 0
        self._armed_at = inf
        self._handle: asyncio.Handle | None = None
        self._ringing = False

    def wake(self, sleeper: Sleeper, at: float) -> None:
        """Ring that line at a site time. It may be asked for several times; every one rings."""
        self._number += 1
        heappush(self._entries, (at, self._number, sleeper))
        if at < self._armed_at and not self._ringing:
            self._arm()

    def stop(self) -> None:
        """Ring nobody any more."""
        self._entries.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._armed_at = inf

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if not self._entries:
            self._armed_at = inf
            return
        at, _, sleeper = self._entries[0]
        self._armed_at = at
        delay = self._clock.real(at - self._clock.monotonic())
        if sleeper.precise:
            delay -= SPIN_S
            if delay <= 0:
                self._handle = self._loop.call_soon(self._ring)
                return
        self._handle = self._loop.call_later(max(delay, 0.0), self._ring)

    def _ring(self) -> None:
        self._handle = None
        entries = self._entries
        monotonic = self._clock.monotonic
        self._ringing = True
        try:
            while entries and entries[0][0] <= (now := monotonic() + EARLY_S):
                at, _, sleeper = heappop(entries)
                sleeper.ring(at, now)
        finally:
            self._ringing = False
            self._arm()
