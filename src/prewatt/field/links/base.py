"""What a line needs from the thing that carries its bytes: open, send, tell what arrived, and come back after a loss.

A link never retries and never interprets: it opens with growing pauses, hands bytes up as they come, and says when it
is gone. Which bytes answer what is the bus's business.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Protocol

from prewatt.core.clock import Clock

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
PROVEN_AFTER_S = 10.0  # a link that lived this long starts again with the shortest pause
OPEN_TIMEOUT_S = 5.0
SHORTEST_OPEN_TIMEOUT_S = 1.0  # wall time: a fast site clock does not make the network faster


class LinkUser(Protocol):
    """The bus above a link. Called from the event loop; must not block."""

    def link_up(self) -> None:
        """The link is open."""

    def link_down(self, reason: str) -> None:
        """The link closed, or an attempt to open it failed; called again for each failed attempt."""

    def link_bytes(self, data: bytes) -> None:
        """Bytes arrived."""


class Link(Protocol):
    """A way to a line."""

    def start(self, user: LinkUser) -> None:
        """Open, and keep open until ``stop``."""

    def send(self, frame: bytes, answer_length: int, /) -> None:
        """Send one RTU frame whose answer will have that many bytes. Does nothing while the link is down."""

    def reopen(self) -> None:
        """Close and open again: the other side does not seem to be there any more."""

    async def stop(self) -> None:
        """Close for good."""


class KeptOpen(ABC):
    """Opens something, waits until it is lost, and opens it again after a growing pause."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._lost: asyncio.Future[str] | None = None
        self._hurry = asyncio.Event()

    def begin(self) -> None:
        """Start opening."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_open())

    async def stop(self) -> None:
        """Close for good."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self.disconnect()

    def end(self) -> None:
        """Do not open again; for use from ``went_down``."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def reopen(self) -> None:
        """Close now and open again; at once when it is waiting for its next try."""
        self.lost("reopened")
        self._hurry.set()

    def lost(self, reason: str) -> None:
        """What was open is gone: to be called by the connection."""
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(reason)

    @abstractmethod
    async def connect(self) -> None:
        """Open once. Raises OSError."""

    @abstractmethod
    def disconnect(self) -> None:
        """Close whatever is open; nothing happens when nothing is."""

    @abstractmethod
    def went_up(self) -> None:
        """Tell who uses it."""

    @abstractmethod
    def went_down(self, reason: str) -> None:
        """Tell who uses it."""

    async def _keep_open(self) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_S
        while True:
            opened_at = self._clock.monotonic()
            self._lost = loop.create_future()
            reason = await self._open_once()
            if reason is None:
                self.went_up()
                reason = await self._lost
                self.disconnect()
            self.went_down(reason)
            if self._clock.monotonic() - opened_at > PROVEN_AFTER_S + OPEN_TIMEOUT_S:
                pause = FIRST_PAUSE_S
            await self._rest(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _rest(self, pause: float) -> None:
        self._hurry.clear()
        try:
            async with asyncio.timeout(self._clock.real(pause)):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _open_once(self) -> str | None:
        """None when open, else the stable word for why not."""
        try:
            async with asyncio.timeout(max(self._clock.real(OPEN_TIMEOUT_S), SHORTEST_OPEN_TIMEOUT_S)):
                await self.connect()
        except TimeoutError:
            return "no-answer"
        except ConnectionRefusedError:
            return "refused-connection"
        except OSError:
            return "cannot-open"
        return None
