"""Somebody else's transaction commits between the reading and the changing of an order.

On SQLite no two transactions overlap, so this plays what PostgreSQL allows: the other one's work is done first; when
the conditional update then finds that it was overtaken, all is rolled back, and the other one's work is done again as
the transaction of its own that it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from tests.storm.world import World


@contextmanager
def interloper(world: World) -> Iterator[None]:
    """Let the schedule's interloper in, once."""
    if not world.schedule.interlope:
        yield
        return
    from prewatt.office.vending.services import events

    change = events.change
    left = [world.schedule.interlope]

    def overtaken_once(order: Any, **values: Any) -> None:
        if not left or values.get("state") != "unknown":
            change(order, **values)
            return
        verb = left.pop()
        sale = world.schedule.sales[0]
        world.cashiers[0].ask(verb, sale)
        try:
            change(order, **values)
        except events.Overtaken:
            world.loop.call_soon(world.cashiers[0].ask, verb, sale)
            raise

    with mock.patch.object(events, "change", overtaken_once):
        yield
