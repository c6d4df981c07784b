"""Protected connections in asyncio: whoever speaks over one sees a plain transport, and only after the other is proven.

Both modes dial and listen alike, TLS 1.3 and triple-DES records. A listener is told who called and in which mode, and
it alone decides: a gateway set to one mode is not heard in the other.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Protocol

import structlog

from prewatt.core.clock import Clock
from prewatt.field.links import tls
from prewatt.field.links.record3des import Direction, Random, RecordRefused, Shared
from prewatt.field.links.recordsession import Lookup, RecordSession
from prewatt.field.links.tcp import watch_for_silence

log = structlog.get_logger(__name__)

HANDSHAKE_WITHIN_S = 10.0  # wall seconds
RECHECK_EVERY_S = 20.0  # wall seconds: a revoked gateway is cut off within a minute
TLS, RECORDS = "tls", "3des"

Factory = Callable[[], asyncio.Protocol]
Found = Callable[[str], asyncio.Protocol | None]
Accept = Callable[[str, str], asyncio.Protocol | None]  # gateway's name and mode; None: not heard


class Guard(Protocol):
    """What stands between a connection and its user, and can be asked to look again."""

    def recheck(self) -> None:
        """Is the other side still allowed?"""

    def end(self) -> None:
        """End it now."""


class RecordTransport(asyncio.Transport):
    """What the user of a record connection writes to."""

    def __init__(self, wire: RecordProtocol, below: asyncio.Transport) -> None:
        super().__init__()
        self._wire = wire
        self._below = below

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._wire.send(bytes(data))

    def close(self) -> None:
        self._wire.say_farewell()
        self._below.close()

    def abort(self) -> None:
        self._below.abort()

    def is_closing(self) -> bool:
        return self._below.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._below.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._below.get_write_buffer_size()


class RecordProtocol(asyncio.Protocol):
    """One record connection below its user. ``found`` gives the user once the other side is proven."""

    def __init__(self, session: RecordSession, found: Found, living: set[Guard] | None = None) -> None:
        self._session = session
        self._living = living if living is not None else set()
        self._found = found
        self._below: asyncio.Transport | None = None
        self._user: asyncio.Protocol | None = None
        self._patience: asyncio.TimerHandle | None = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ready.add_done_callback(lambda future: future.cancelled() or future.exception())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._below = transport
        self._living.add(self)
        _nodelay(transport)
        self._patience = asyncio.get_running_loop().call_later(HANDSHAKE_WITHIN_S, self._give_up, "no-answer")
        self._flush()

    def data_received(self, data: bytes) -> None:
        try:
            arrived = self._session.feed(data)
        except RecordRefused as refusal:
            self._give_up(refusal.reason)
            return
        if self._session.established and self._user is None and not self._begin():
            return
        self._flush()
        if arrived and self._user is not None:
            self._user.data_received(arrived)
        if self._session.closed and self._below is not None:
            self._below.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._below = None
        self._living.discard(self)
        if self._patience is not None:
            self._patience.cancel()
        try:
            self._session.eof()
        except RecordRefused as refusal:
            error = error or ConnectionResetError(refusal.reason)
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionResetError("closed"))
        user, self._user = self._user, None
        if user is not None:
            user.connection_lost(error)

    def pause_writing(self) -> None:
        if self._user is not None:
            self._user.pause_writing()

    def resume_writing(self) -> None:
        if self._user is not None:
            self._user.resume_writing()

    def end(self) -> None:
        """End it now."""
        if self._below is not None:
            self._below.abort()

    def send(self, data: bytes) -> None:
        """Seal and send what the user wrote."""
        try:
            self._session.send(data)
        except RecordRefused as refusal:
            self._give_up(refusal.reason)
        else:
            self._flush()

    def say_farewell(self) -> None:
        """The user closes."""
        self._session.close()
        self._flush()

    def recheck(self) -> None:
        """From time to time: fresh keys for old ones, and the end at the mode's date."""
        try:
            self._session.tick()
        except RecordRefused as refusal:
            self._give_up(refusal.reason)
        else:
            self._flush()

    def _begin(self) -> bool:
        assert self._below is not None
        user = self._found(self._session.peer)
        if user is None:
            self._give_up("not-heard")
            return False
        if self._patience is not None:
            self._patience.cancel()
        self._user = user
        self._flush()
        user.connection_made(RecordTransport(self, self._below))
        self.ready.set_result(None)
        return True

    def _flush(self) -> None:
        out = self._session.outgoing()
        if out and self._below is not None and not self._below.is_closing():
            self._below.write(out)

    def _give_up(self, reason: str) -> None:
        log.warning("link.refused", mode=RECORDS, peer=self._session.peer, reason=reason)
        if not self.ready.done():
            self.ready.set_exception(ConnectionResetError(reason))
        if self._below is not None:
            self._below.abort()


class TlsGuard(asyncio.Protocol):
    """One TLS connection whose certificate is looked at before its user hears of it, and again while it lasts."""

    def __init__(self, admit: tls.Admit, found: Found, living: set[Guard] | None = None) -> None:
        self._admit = admit
        self._living = living if living is not None else set()
        self._found = found
        self._transport: asyncio.Transport | None = None
        self._user: asyncio.Protocol | None = None
        self.refusal = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._living.add(self)
        _nodelay(transport)
        try:
            who = self._admit(self._certificate())
        except tls.NotAdmitted as refusal:
            self._give_up(refusal.reason)
            return
        self._user = user = self._found(who.gateway)
        if user is None:
            self._give_up("not-heard")
        else:
            user.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._user is not None:
            self._user.data_received(data)

    def eof_received(self) -> bool | None:
        return self._user.eof_received() if self._user is not None else None

    def pause_writing(self) -> None:
        if self._user is not None:
            self._user.pause_writing()

    def resume_writing(self) -> None:
        if self._user is not None:
            self._user.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._living.discard(self)
        user, self._user = self._user, None
        if user is not None:
            user.connection_lost(error)

    def end(self) -> None:
        """End it now."""
        if self._transport is not None:
            self._transport.abort()

    def recheck(self) -> None:
        """The certificate may have been revoked meanwhile."""
        if self._transport is None:
            return
        try:
            self._admit(self._certificate())
        except tls.NotAdmitted as refusal:
            self._give_up(refusal.reason)

    def _certificate(self) -> bytes | None:
        assert self._transport is not None
        inside: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return inside.getpeercert(binary_form=True) if inside is not None else None

    def _give_up(self, reason: str) -> None:
        self.refusal = reason
        log.warning("link.refused", mode=TLS, reason=reason)
        if self._transport is not None:
            self._transport.abort()


async def dial_tls(
    factory: Factory, host: str, port: int, context: ssl.SSLContext, admit: tls.Admit, *,
    server_name: str = tls.SERVER_NAME,
) -> TlsGuard:  # fmt: skip
    """Connect the user that ``factory`` makes. Raises OSError, also when the other side is not who it should be."""
    loop = asyncio.get_running_loop()
    _, guard = await loop.create_connection(
        lambda: TlsGuard(admit, lambda _: factory()), host, port, ssl=context, server_hostname=server_name,
        ssl_handshake_timeout=HANDSHAKE_WITHIN_S,
    )  # fmt: skip
    if guard.refusal:
        raise ConnectionRefusedError(guard.refusal)
    return guard


async def dial_records(
    factory: Factory, host: str, port: int, *, name: str, shared: Shared, clock: Clock, random: Random
) -> RecordProtocol:
    """Connect the user that ``factory`` makes. ``name``: who we are. Raises OSError."""
    session = RecordSession(Direction.INITIATOR, name=name, lookup=lambda _: shared, clock=clock, random=random)
    loop = asyncio.get_running_loop()
    transport, wire = await loop.create_connection(lambda: RecordProtocol(session, lambda _: factory()), host, port)
    try:
        await wire.ready
    except BaseException:
        transport.abort()
        raise
    return wire


class SecureListener:
    """Listens in one mode and looks at each connection again while it lasts."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self.guards: set[Guard] = set()
        self._rechecking: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, make: Factory, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        patience = HANDSHAKE_WITHIN_S if context is not None else None
        self._server = await loop.create_server(make, host, port, ssl=context, ssl_handshake_timeout=patience)
        self._rechecking = loop.create_task(self._recheck_again())

    def recheck(self) -> None:
        """Look at every connection now."""
        for guard in list(self.guards):
            guard.recheck()

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._rechecking is not None:
            self._rechecking.cancel()
            await asyncio.gather(self._rechecking, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        for guard in list(self.guards):
            guard.end()
        if self._server is not None:
            await self._server.wait_closed()

    async def _recheck_again(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_EVERY_S)
            try:
                self.recheck()
            except Exception:
                log.exception("listener.recheck-failed")


async def listen_tls(
    accept: Accept, host: str, port: int, papers: tls.Papers, revocations: tls.Revocations
) -> SecureListener:
    """Listen for gateways with a certificate of ours. Raises OSError."""
    admit = tls.admission(revocations)
    listener = SecureListener()
    await listener.start(
        lambda: TlsGuard(admit, lambda name: accept(name, TLS), listener.guards), host, port, tls.server_context(papers)
    )
    return listener


async def listen_records(
    accept: Accept, host: str, port: int, *, lookup: Lookup, clock: Clock, random: Random
) -> SecureListener:
    """Listen for gateways in triple-DES record mode. Raises OSError."""
    listener = SecureListener()

    def make() -> RecordProtocol:
        session = RecordSession(Direction.RESPONDER, name="", lookup=lookup, clock=clock, random=random)
        return RecordProtocol(session, lambda name: accept(name, RECORDS), listener.guards)

    await listener.start(make, host, port)
    return listener


def _nodelay(transport: asyncio.Transport) -> None:
    """Small frames at once; a peer that went away without a word is noticed."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        watch_for_silence(sock)
