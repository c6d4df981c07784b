"""RTU over a protected connection: a transparent gateway that itself speaks TLS 1.3, or triple-DES records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from prewatt.core.clock import Clock
from prewatt.field.links import secure, tls
from prewatt.field.links.base import KeptOpen, LinkUser
from prewatt.field.links.record3des import Random, Shared

RECHECK_EVERY_S = 60.0  # site seconds
Dial = Callable[[secure.Factory], Awaitable[secure.Guard | None]]
SharedOf = Callable[[str], bytes | None]  # the secret shared with a gateway, by its name


class ProtectedLink(KeptOpen):
    """One connection for one line. ``dial`` connects a user and gives the guard that looks at it again."""

    def __init__(self, dial: Dial, clock: Clock) -> None:
        super().__init__(clock)
        self._dial = dial
        self._user: LinkUser | None = None
        self._guard: secure.Guard | None = None
        self._receiver: _Receiver | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, user: LinkUser) -> None:
        self._user = user
        self.begin()

    def send(self, frame: bytes, _answer_length: int, /) -> None:
        if self._receiver is not None and self._receiver.transport is not None:
            self._receiver.transport.write(frame)

    async def connect(self) -> None:
        receiver = _Receiver(self)
        self._guard = await self._dial(lambda: receiver)
        self._receiver = receiver
        self._recheck()

    def disconnect(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        receiver, self._receiver, self._guard = self._receiver, None, None
        if receiver is not None and receiver.transport is not None:
            receiver.transport.abort()

    def went_up(self) -> None:
        assert self._user is not None
        self._user.link_up()

    def went_down(self, reason: str) -> None:
        assert self._user is not None
        self._user.link_down(reason)

    def received(self, receiver: _Receiver, data: bytes) -> None:
        """Bytes came over a connection; those of one given up before are nobody's."""
        if receiver is self._receiver and self._user is not None:
            self._user.link_bytes(data)

    def closed(self, receiver: _Receiver) -> None:
        """A connection ended."""
        if receiver is self._receiver:
            self.lost("closed")

    def _recheck(self) -> None:
        """Is the other side still allowed, are the keys still fresh?"""
        if self._guard is not None:
            self._guard.recheck()
            wait = max(self._clock.real(RECHECK_EVERY_S), 1.0)
            self._timer = asyncio.get_running_loop().call_later(wait, self._recheck)


class _Receiver(asyncio.Protocol):
    """Hands bytes up."""

    def __init__(self, link: ProtectedLink) -> None:
        self._link = link
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._link.received(self, data)

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None
        self._link.closed(self)


class Protection:
    """What this site protects connections with. When it is not there, nothing opens, rather than in clear.

    ``papers``: the server's certificate and key; ``revocations``: the authority's list.
    """

    def __init__(
        self, papers: tls.Papers, revocations: tls.Revocations, shared_of: SharedOf, clock: Clock, random: Random
    ) -> None:
        self._papers = papers
        self._revocations = revocations
        self._shared_of = shared_of
        self._clock = clock
        self._random = random

    def tls(self, gateway: str, host: str, port: int) -> ProtectedLink:
        """A line behind a gateway that answers in TLS with the certificate enrolled under its name."""
        admit = tls.admission(self._revocations, expected=gateway)

        async def dial(factory: secure.Factory) -> secure.Guard | None:
            try:
                context = tls.client_context(self._papers, by_name=False)
            except ValueError as error:
                raise ConnectionRefusedError(str(error)) from error
            return await secure.dial_tls(factory, host, port, context, admit)

        return ProtectedLink(dial, self._clock)

    def records(self, gateway: str, host: str, port: int, until_ms: int) -> ProtectedLink:
        """A line behind a gateway in triple-DES record mode, until its date."""
        until = datetime.fromtimestamp(until_ms / 1000, UTC)

        async def dial(factory: secure.Factory) -> secure.Guard | None:
            secret = self._shared_of(gateway)
            if secret is None:
                raise ConnectionRefusedError("no-secret")
            return await secure.dial_records(
                factory, host, port, name=gateway, shared=Shared(secret, until), clock=self._clock,
                random=self._random,
            )  # fmt: skip

        return ProtectedLink(dial, self._clock)
