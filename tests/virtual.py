"""Virtual time for asyncio: the loop's select() lets a SteppedClock pass instead of waiting, so an hour takes a blink.

One thread, no real sockets; the order of events depends on nothing but the program. With nothing ready and no timer
set the loop would wait for ever: that is an error here, told at once.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from prewatt.core.clock import SteppedClock

T = TypeVar("T")
START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
LEAST_STEP = 1e-9


class NothingWillHappen(RuntimeError):
    """Every task waits and no timer is set."""


class _Selector(selectors.BaseSelector):
    """Never sees a socket ready; waiting means that time passes."""

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        descriptor = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = selectors.SelectorKey(fileobj, descriptor, events, data)
        self._keys[descriptor] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingWillHappen("every task waits and no timer is set")
        if timeout > 0:
            self._clock.step(max(timeout, LEAST_STEP))
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._keys.clear()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is ``clock``'s."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock = clock
        super().__init__(_Selector(clock))
        self._clock_resolution = LEAST_STEP

    def time(self) -> float:
        return self.clock.monotonic()


def run(main: Coroutine[Any, Any, T], clock: SteppedClock | None = None) -> T:
    """Run a coroutine in virtual time; cancel what it leaves behind."""
    loop = VirtualLoop(clock or SteppedClock(START))
    try:
        return loop.run_until_complete(main)
    finally:
        _cancel_rest(loop)
        loop.close()


def _cancel_rest(loop: VirtualLoop) -> None:
    rest = asyncio.all_tasks(loop)
    for task in rest:
        task.cancel()
    if rest:
        loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
