"""Runs schedules, one after the other, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from tests import virtual
from tests.storm import oracle
from tests.storm.arena import Arena
from tests.storm.interloper import interloper
from tests.storm.oracle import Verdict
from tests.storm.plan import Schedule, draw
from tests.storm.world import World

OURS = {"headend.duty-failed", "credit.failed", "line.failed", "store.verb-failed"}


@dataclass(frozen=True)
class Result:
    """A schedule, what became of it, and its trace."""

    schedule: Schedule
    verdict: Verdict
    trace: list[str]
    digest: str

    @property
    def good(self) -> bool:
        return not self.verdict.findings


def run(arena: Arena, schedule: Schedule) -> Result:
    """Live one schedule and judge it."""
    with arena.entered():
        arena.reset()
        world = World(arena, schedule)
        with _log_of(world), interloper(world):
            virtual.run(world.live(), world.clock)
        return Result(schedule, oracle.judge(world), world.trace, world.digest())


def run_seed(arena: Arena, seed: int) -> Result:
    """The schedule of a seed."""
    return run(arena, draw(seed))


@contextmanager
def _log_of(world: World) -> Iterator[None]:
    """Our own mistakes are findings; the rest of the log is nobody's business here."""

    def hear(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        if event["event"] in OURS:
            import traceback

            world.complain(f"{event} {traceback.format_exc()}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[hear], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
