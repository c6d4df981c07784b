"""The store's own death: at a statement, instead of its COMMIT, or after it and before the answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db.utils import OperationalError

from tests.storm.arena import out_of_loop
from tests.storm.plan import Crash

if TYPE_CHECKING:
    from tests.storm.world import World


class StoreDied(BaseException):
    """The store's process is gone."""


@contextmanager
def crashing(world: World, crash: Crash | None) -> Iterator[None]:
    """Run a transaction with that end. What was not committed is gone afterwards, as after a kill."""
    if crash is None:
        yield
        return
    world.note("crash", f"{crash}")
    connection = world.arena.connection
    try:
        if crash.commit:
            connection._commit = lambda: _die("commit")
        if crash.statement is not None:
            with connection.execute_wrapper(_Counter(crash)):
                yield
        else:
            yield
        if not crash.full:
            _die("answer")
    except StoreDied:
        out_of_loop(world.arena.restart)
        raise
    finally:
        connection.__dict__.pop("_commit", None)


def _die(where: str) -> None:
    raise StoreDied(where)


class _Counter:
    """Counts statements and strikes at one."""

    def __init__(self, crash: Crash) -> None:
        self._left = crash.statement or 0
        self._full = crash.full

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise OperationalError("database or disk is full") if self._full else StoreDied("statement")
        return execute(sql, params, many, context)
