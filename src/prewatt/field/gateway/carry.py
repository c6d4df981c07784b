"""Exchanges of the head-end, carried on the zone's lines while it waits: live, or not at all.

The time within which an exchange must be begun counts from when it was written, however long the way took. At its last
moment before the first byte it is looked at once more: too late, its connection gone, or its sender no longer the owner
of this gateway, and it is dropped. Nothing is kept on disk and nothing is sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from prewatt.core.clock import Clock
from prewatt.field.bus.driver import Bus, Hold, LineLost
from prewatt.field.bus.exchange import Outcome, Priority, Question, Reply
from prewatt.field.links.uplink import Exchange, Result, Session
from prewatt.meters.framing import BY_NAME

log = structlog.get_logger(__name__)

LINGER_S = 3.0  # a held line waits so long for the next question of the same conversation
FindBus = Callable[[int], Bus | None]


class Tokens:
    """The highest lease token ever seen: whoever shows a lower one was replaced."""

    def __init__(self, highest: int, keep: Callable[[int], None]) -> None:
        self._highest = highest
        self._keep = keep

    def current(self, token: int) -> bool:
        """Whether nobody newer has commanded this gateway."""
        return token >= self._highest

    def saw(self, token: int) -> None:
        """Somebody commands with it."""
        if token > self._highest:
            self._highest = token
            self._keep(token)


class Carrier:
    """All exchanges under way. One line serves one conversation at a time, in front of its polling."""

    def __init__(self, clock: Clock, find: FindBus, tokens: Tokens) -> None:
        self._clock = clock
        self._find = find
        self._tokens = tokens
        self._talks: dict[int, _Talk] = {}
        self._running: set[asyncio.Task[None]] = set()
        self.dropped = 0

    def take(self, session: Session, exchange: Exchange, age_s: float) -> None:
        """An exchange arrived, at most so old."""
        self._tokens.saw(exchange.token)
        begin_by = self._clock.monotonic() + exchange.begin_within_ms / 1000 - age_s
        bus = self._find(exchange.line_id)
        framing = BY_NAME.get(exchange.framing)
        if bus is None or framing is None or not exchange.frame:
            self._end(session, exchange, Reply(Outcome.WITHHELD))
            return

        def allowed() -> bool:
            on_time = self._clock.monotonic() <= begin_by
            return on_time and session.up and self._tokens.current(exchange.token)

        question = Question(exchange.frame, bus.machine.timing, framing=framing)
        job = _Job(exchange, question, allowed, lambda reply: self._end(session, exchange, reply))
        talk = self._talks.get(exchange.line_id)
        if talk is not None and talk.bus is bus and not talk.over:
            talk.queue.put_nowait(job)
            return
        self._start(self._hold(bus, job) if exchange.hold else self._ask(bus, job))

    async def stop(self) -> None:
        """The connection is gone, or the program ends: what was not begun never is."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def drop_all(self) -> None:
        """As ``stop``, from a callback."""
        for task in list(self._running):
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _ask(self, bus: Bus, job: _Job) -> None:
        job.end(await bus.ask(job.priority, job.question, job.allowed))

    async def _hold(self, bus: Bus, first: _Job) -> None:
        """Keep the line for one conversation: until its next question asks for no more, or none comes."""
        talk = self._talks[first.exchange.line_id] = _Talk(bus)
        talk.queue.put_nowait(first)
        try:
            async with bus.hold(first.priority) as hold:
                await self._converse(talk, hold)
        except LineLost:
            pass
        finally:
            talk.over = True
            if self._talks.get(first.exchange.line_id) is talk:
                del self._talks[first.exchange.line_id]
            while not talk.queue.empty():
                talk.queue.get_nowait().end(Reply(Outcome.CLOSED))

    async def _converse(self, talk: _Talk, hold: Hold) -> None:
        while True:
            try:
                async with asyncio.timeout(self._clock.real(LINGER_S)):
                    job = await talk.queue.get()
            except TimeoutError:
                return
            job.end(await hold.ask(job.question, job.allowed))
            if not job.exchange.hold and talk.queue.empty():
                return

    def _end(self, session: Session, exchange: Exchange, reply: Reply) -> None:
        if reply.outcome is Outcome.WITHHELD:
            self.dropped += 1
            log.warning("exchange.dropped", line=exchange.line_id)
        if session.up:
            session.send(Result(exchange.number, reply.outcome.value, reply.raw))


class _Job:
    """An exchange on its way to the line."""

    __slots__ = ("allowed", "end", "exchange", "priority", "question")

    def __init__(
        self, exchange: Exchange, question: Question, allowed: Callable[[], bool], end: Callable[[Reply], None]
    ) -> None:
        self.exchange = exchange
        self.question = question
        self.allowed = allowed
        self.end = end
        self.priority = Priority(min(max(exchange.priority, Priority.MONEY), Priority.POLL))


class _Talk:
    """A line held for a conversation."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.queue: asyncio.Queue[_Job] = asyncio.Queue()
        self.over = False
