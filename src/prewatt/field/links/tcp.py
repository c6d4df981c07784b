"""RTU over TCP: a transparent gateway that carries the frames of one RS-485 line unchanged, CRC and all."""

from __future__ import annotations

import asyncio
import socket

from prewatt.core.clock import Clock
from prewatt.field.links.base import KeptOpen, LinkUser

RECEIVE_BYTES = 4096
UNANSWERED_MS = 10_000  # bytes the gateway's TCP does not acknowledge for so long mean that it is gone


class TcpLink(KeptOpen):
    """One socket for one line."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        super().__init__(clock)
        self._host = host
        self._port = port
        self._user: LinkUser | None = None
        self._transport: asyncio.Transport | None = None

    def start(self, user: LinkUser) -> None:
        self._user = user
        self.begin()

    def send(self, frame: bytes, _answer_length: int, /) -> None:
        if self._transport is not None:
            self._transport.write(frame)

    async def connect(self) -> None:
        assert self._user is not None
        loop = asyncio.get_running_loop()
        receiver = _Receiver(self, self._user)
        transport, _ = await loop.create_connection(lambda: receiver, self._host, self._port)
        watch_for_silence(transport)
        self._transport = transport

    def disconnect(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def went_up(self) -> None:
        assert self._user is not None
        self._user.link_up()

    def went_down(self, reason: str) -> None:
        assert self._user is not None
        self._user.link_down(reason)

    def owns(self, transport: asyncio.BaseTransport | None) -> bool:
        """Whether that connection is the one in use, and not one given up before."""
        return transport is not None and transport is self._transport


class _Receiver(asyncio.BufferedProtocol):
    """Receives straight into one buffer of its own: no allocation by the transport for each arrival."""

    __slots__ = ("_buffer", "_link", "_transport", "_user", "_view")

    def __init__(self, link: TcpLink, user: LinkUser) -> None:
        self._link = link
        self._user = user
        self._buffer = bytearray(RECEIVE_BYTES)
        self._view = memoryview(self._buffer)
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._user.link_bytes(bytes(self._view[:nbytes]))

    def eof_received(self) -> None:
        return None

    def connection_lost(self, _error: Exception | None) -> None:
        if self._link.owns(self._transport):
            self._link.lost("closed")


def watch_for_silence(transport: asyncio.BaseTransport) -> None:
    """Let the kernel notice a peer that went away without a word."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, UNANSWERED_MS // 1000)
