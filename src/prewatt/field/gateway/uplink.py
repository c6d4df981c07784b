"""The gateway's side of the uplink: dials, and dials again after growing pauses, one address after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from typing import Protocol

import structlog

from prewatt.core.clock import Clock
from prewatt.field.links.base import KeptOpen
from prewatt.field.links.uplink import Exchange, Result, Session, UplinkLost

log = structlog.get_logger(__name__)

Address = tuple[str, int]
Factory = Callable[[], asyncio.Protocol]
RECHECK_EVERY_S = 60.0


class Guard(Protocol):
    """The protected connection below."""

    def recheck(self) -> None:
        """Is the other side still allowed, are the keys still fresh?"""


Dial = Callable[[Factory, str, int], Awaitable[Guard | None]]  # connected when it returns; raises OSError


class Uplink(KeptOpen):
    """At most one connection, to whichever head-end answers."""

    def __init__(self, dial: Dial, addresses: Sequence[Address], clock: Clock) -> None:
        super().__init__(clock)
        self._dial = dial
        self._addresses = cycle(addresses)
        self._clock = clock
        self._session: Session | None = None
        self._said: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.on_up: Callable[[], None] = lambda: None
        self.on_down: Callable[[], None] = lambda: None
        self.on_exchange: Callable[[Session, Exchange, float], None] = lambda _session, _exchange, _age: None

    @property
    def up(self) -> bool:
        """Whether the head-end is there."""
        return self._session is not None and self._session.up

    async def call(self, body: bytes) -> bytes:
        """Run a verb there. Raises UplinkLost."""
        if self._session is None:
            raise UplinkLost("no uplink")
        return await self._session.call(body)

    # -- opening ------------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        host, port = next(self._addresses)
        session = Session(self, self._clock, dialled=True)
        try:
            guard = await self._dial(lambda: session, host, port)
            await session.ready
        except BaseException:
            session.hang_up("not-opened")
            raise
        self._session = session
        if guard is not None:
            self._recheck(guard)

    def disconnect(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        session, self._session = self._session, None
        if session is not None:
            session.hang_up("closed")

    def _recheck(self, guard: Guard) -> None:
        guard.recheck()
        wait = max(self._clock.real(RECHECK_EVERY_S), 1.0)
        self._timer = asyncio.get_running_loop().call_later(wait, self._recheck, guard)

    def went_up(self) -> None:
        self._said = None
        log.info("uplink.up")
        self.on_up()

    def went_down(self, reason: str) -> None:
        if reason != self._said:
            self._said = reason
            log.warning("uplink.down", reason=reason)
        self.on_down()

    # -- the session --------------------------------------------------------------------------------------------------

    def session_up(self, session: Session) -> None:
        """``connect`` waits for it."""

    def session_down(self, session: Session, reason: str) -> None:
        if session is self._session:
            self.lost(reason)

    def called(self, session: Session, number: int, body: bytes) -> None:
        del number, body
        session.hang_up("not-ours")

    def exchange(self, session: Session, exchange: Exchange, age_s: float) -> None:
        if session is self._session:
            self.on_exchange(session, exchange, age_s)

    def result(self, session: Session, result: Result) -> None:
        del result
        session.hang_up("not-ours")
