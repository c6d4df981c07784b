"""A line in memory: a function answers each frame with bytes after delays. For tests, storms and trials."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from prewatt.core.clock import Clock
from prewatt.field.links.base import LinkUser

Responder = Callable[[bytes], Iterable[tuple[float, bytes]]]


class MemoryLink:
    """``respond(frame)`` gives what arrives, each piece with its delay in site seconds after the send."""

    def __init__(self, respond: Responder, clock: Clock) -> None:
        self._respond = respond
        self._clock = clock
        self._user: LinkUser | None = None
        self._up = False
        self._stopped = False
        self._generation = 0
        self.sent: list[tuple[float, bytes]] = []  # site time and frame
        self.reopened = 0

    def start(self, user: LinkUser) -> None:
        self._user = user
        self._stopped = False
        asyncio.get_running_loop().call_soon(self.restore)

    def send(self, frame: bytes, _answer_length: int, /) -> None:
        if not self._up:
            return
        self.sent.append((self._clock.monotonic(), frame))
        loop = asyncio.get_running_loop()
        for delay, data in self._respond(frame):
            loop.call_later(self._clock.real(delay), self._arrive, self._generation, data)

    def break_off(self, reason: str = "closed") -> None:
        """Lose the link, with all that is under way."""
        self._generation += 1
        self._up = False
        if self._user is not None:
            self._user.link_down(reason)

    def restore(self) -> None:
        """Open the link again."""
        if self._user is not None and not self._up and not self._stopped:
            self._up = True
            self._user.link_up()

    def reopen(self) -> None:
        self.reopened += 1
        if self._up:
            self.break_off("reopened")
            asyncio.get_running_loop().call_soon(self.restore)

    async def stop(self) -> None:
        self._stopped = True
        self._up = False
        self._generation += 1

    def _arrive(self, generation: int, data: bytes) -> None:
        if generation == self._generation and self._user is not None and data:
            self._user.link_bytes(data)
