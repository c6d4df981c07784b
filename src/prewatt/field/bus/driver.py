"""Gives a line's state machine its time and its bytes in asyncio, and lets coroutines ask and hold the line.

Polling runs on callbacks alone: bytes in, next frame out, no task and no future for each exchange. Each line stands for
itself; what goes wrong in one is logged and re-opens that one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import inf
from typing import TypeVar

import structlog

from prewatt.core.clock import Clock
from prewatt.field.bus.exchange import Claim, Done, Guard, Job, Priority, Question, Reply
from prewatt.field.bus.machine import Machine
from prewatt.field.bus.timetable import Timetable
from prewatt.field.links.base import Link

log = structlog.get_logger(__name__)

T = TypeVar("T")
LinkChanged = Callable[[bool, str], None]


class LineLost(Exception):
    """The link went away before or while the line was held."""


class Bus:
    """A running line."""

    __slots__ = ("_link", "_link_changed", "_monotonic", "_send", "_wake", "_wake_at", "_watch_at", "machine", "name",
                 "precise")  # fmt: skip

    def __init__(
        self, name: str, machine: Machine, link: Link, timetable: Timetable, clock: Clock, link_changed: LinkChanged
    ) -> None:
        self.name = name
        self.machine = machine
        self.precise = bool(getattr(link, "precise", False))
        self._link = link
        self._send = link.send
        self._wake = timetable.wake
        self._monotonic = clock.monotonic
        self._link_changed = link_changed
        self._wake_at = inf  # earliest entry on the timetable for a silence
        self._watch_at = inf  # the one for a missing answer

    def start(self) -> None:
        """Open the link and begin."""
        self._link.start(self)

    async def stop(self) -> None:
        """Close the link; whoever waits is told that it is gone."""
        await self._link.stop()
        self.machine.link_down()

    def reopen(self) -> None:
        """Close the link and open it again."""
        self._link.reopen()

    # -- the link below -----------------------------------------------------------------------------------------------

    def link_up(self) -> None:
        self.machine.link_up(self._monotonic())
        self._link_changed(True, "")
        self.kick()

    def link_down(self, reason: str) -> None:
        if self.machine.up:
            self.machine.link_down()
        self._link_changed(False, reason)

    def link_bytes(self, data: bytes) -> None:
        machine = self.machine
        try:
            machine.on_bytes(self._monotonic(), data)
            due = machine.due
            if machine.waiting:
                if due < self._watch_at:
                    self._watch_at = due
                    self._wake(self, due)
            elif due < self._wake_at:
                # the silence has begun: nothing can go out before it is over
                self._wake_at = due
                self._wake(self, due)
        except Exception:  # noqa: BLE001 (our own mistake: told and re-opened by _failed, other lines go on)
            self._failed()

    def ring(self, at: float, now: float) -> None:
        """The timetable rings."""
        machine = self.machine
        try:
            if at >= self._wake_at:
                self._wake_at = inf
            if at >= self._watch_at:
                self._watch_at = inf
            if machine.waiting and machine.due <= now:
                machine.on_due(now)
            self._advance(now)
        except Exception:  # noqa: BLE001 (our own mistake: told and re-opened by _failed, other lines go on)
            self._failed()

    def kick(self) -> None:
        """Something new may go out."""
        try:
            self._advance(self._monotonic())
        except Exception:  # noqa: BLE001 (our own mistake: told and re-opened by _failed, other lines go on)
            self._failed()

    def _advance(self, now: float) -> None:
        machine = self.machine
        frame = machine.next_frame(now)
        due = machine.due
        if frame is not None:
            self._send(frame, machine.answer_length)
        if machine.waiting:
            if due < self._watch_at:
                self._watch_at = due
                self._wake(self, due)
        elif due < self._wake_at:
            self._wake_at = due
            self._wake(self, due)

    def _failed(self) -> None:
        """Our own mistake: this line starts again, the others never notice."""
        log.exception("line.failed", line=self.name)  # noqa: LOG004 (called from except blocks only)
        self._wake_at = self._watch_at = inf
        self._link.reopen()

    # -- coroutines above ---------------------------------------------------------------------------------------------

    def submit(self, priority: Priority, question: Question, done: Done) -> None:
        """One question, its end told by callback; for use from callbacks, so nothing is sent before they return."""
        self.machine.submit(Job(priority, question, done))

    async def ask(self, priority: Priority, question: Question, guard: Guard | None = None) -> Reply:
        """One question at the next frame boundary that its priority gets."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.machine.submit(Job(priority, question, _settle(future), guard))
        self.kick()
        return await future

    @asynccontextmanager
    async def hold(self, priority: Priority) -> AsyncIterator[Hold]:
        """The whole line, from the next frame boundary until the block ends. Raises LineLost when the link is down."""
        granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        settle = _settle(granted)
        claim = Claim(priority, lambda: settle(True), lambda: settle(False))
        try:
            self.machine.submit(claim)
            self.kick()
            if not await granted:
                raise LineLost(self.name)
            yield Hold(self, claim)
        finally:
            self.machine.release(claim)
            self.kick()

    def now(self) -> float:
        """Monotonic site time."""
        return self._monotonic()


class Hold:
    """The line in the hands of one coroutine."""

    def __init__(self, bus: Bus, claim: Claim) -> None:
        self._bus = bus
        self._claim = claim

    async def ask(self, question: Question, guard: Guard | None = None) -> Reply:
        """One question; ``guard`` is asked at the last moment before its first byte."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._bus.machine.ask(self._claim, Job(Priority.MONEY, question, _settle(future), guard))
        self._bus.kick()
        return await future

    def rest(self, seconds: float) -> None:
        """Keep the line silent for so long (site seconds) before the next question."""
        self._bus.machine.rest(self._claim, self._bus.now(), seconds)


def _settle(future: asyncio.Future[T]) -> Callable[[T], None]:
    def settle(value: T) -> None:
        if not future.done():
            future.set_result(value)

    return settle
