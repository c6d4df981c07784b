"""Modbus TCP: the bus sees RTU frames; here the CRC is taken off and the header put on, and back again.

Each line has a socket of its own, because many servers lose a request that comes before the last is answered. Where a
gateway takes no second caller, lines share the first one's socket and the transaction number tells whose answer it is.
An answer whose transaction is not open any more came too late and is dropped, so it cannot pass for another's.
"""

from __future__ import annotations

import asyncio

from prewatt.core.clock import Clock
from prewatt.field.links.base import KeptOpen, LinkUser
from prewatt.field.links.tcp import RECEIVE_BYTES, watch_for_silence
from prewatt.meters.modbus import mbap_cut, mbap_wrap

TRANSACTIONS = 0x10000


class MbapGateway:
    """One address, and the sockets that lines have to it."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        self._host = host
        self._port = port
        self._clock = clock
        self._sockets: list[MbapSocket] = []

    def line(self) -> MbapLink:
        """A link for one more line."""
        self._sockets = [socket for socket in self._sockets if socket.used or not socket.began]
        socket = MbapSocket(self._host, self._port, self._clock, self)
        self._sockets.append(socket)
        return MbapLink(socket)

    def other(self, than: MbapSocket) -> MbapSocket | None:
        """An open socket to the same address."""
        return next((socket for socket in self._sockets if socket is not than and socket.is_open), None)


class MbapSocket(KeptOpen):
    """A socket of one line, or of several. Opens with the first line and closes with the last."""

    def __init__(self, host: str, port: int, clock: Clock, gateway: MbapGateway | None = None) -> None:
        super().__init__(clock)
        self._host = host
        self._port = port
        self._gateway = gateway
        self._lines: dict[MbapLink, LinkUser] = {}
        self._open: dict[int, MbapLink] = {}  # transaction: line
        self._transaction = 0
        self._transport: asyncio.Transport | None = None
        self._never_answered = True
        self.began = False
        self.dropped = 0  # answers of no open transaction

    @property
    def is_open(self) -> bool:
        """Whether frames can be sent, and some were answered."""
        return self._transport is not None and not self._never_answered

    @property
    def used(self) -> bool:
        """Whether a line uses it."""
        return bool(self._lines)

    def line(self) -> MbapLink:
        """A link for one more line on this very socket."""
        return MbapLink(self)

    def join(self, link: MbapLink, user: LinkUser) -> None:
        """Let a line use the socket."""
        self.began = True
        self._lines[link] = user
        self.begin()
        if self._transport is not None:
            user.link_up()

    async def leave(self, link: MbapLink) -> None:
        """A line is gone."""
        self._lines.pop(link, None)
        if not self._lines:
            await self.stop()

    def send(self, link: MbapLink, frame: bytes) -> None:
        """Send under a fresh transaction; the line's older one, if any, is no longer waited for."""
        if self._transport is None:
            return
        self._open.pop(link.transaction, None)
        while True:
            self._transaction = (self._transaction + 1) % TRANSACTIONS
            if self._transaction not in self._open:
                break
        link.transaction = self._transaction
        self._open[self._transaction] = link
        self._transport.write(mbap_wrap(self._transaction, frame))

    def received(self, transaction: int, frame: bytes) -> None:
        """Hand an answer to the line that asked."""
        link = self._open.pop(transaction, None)
        user = self._lines.get(link) if link is not None else None
        if user is None:
            self.dropped += 1
            return
        self._never_answered = False
        user.link_bytes(frame)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        receiver = _Receiver(self)
        transport, _ = await loop.create_connection(lambda: receiver, self._host, self._port)
        watch_for_silence(transport.get_extra_info("socket"))
        self._transport = transport

    def disconnect(self) -> None:
        transport, self._transport = self._transport, None
        self._open.clear()
        if transport is not None:
            transport.abort()

    def went_up(self) -> None:
        for user in list(self._lines.values()):
            user.link_up()

    def went_down(self, reason: str) -> None:
        for user in list(self._lines.values()):
            user.link_down(reason)
        shared = self._gateway.other(self) if self._gateway is not None and self._never_answered else None
        if shared is not None:
            # the gateway takes one caller only: go with the line that has it
            lines, self._lines = self._lines, {}
            for link, user in lines.items():
                link.move(shared, user)
            self.end()

    def owns(self, transport: asyncio.BaseTransport | None) -> bool:
        """Whether that connection is the one in use, and not one given up before."""
        return transport is not None and transport is self._transport


class MbapLink:
    """One line's way to its gateway."""

    def __init__(self, shared: MbapSocket) -> None:
        self._shared = shared
        self.transaction = -1

    def move(self, shared: MbapSocket, user: LinkUser) -> None:
        """Use another socket from now on."""
        self._shared = shared
        self.transaction = -1
        shared.join(self, user)

    def start(self, user: LinkUser) -> None:
        self._shared.join(self, user)

    def send(self, frame: bytes, _answer_length: int, /) -> None:
        self._shared.send(self, frame)

    def reopen(self) -> None:
        self._shared.reopen()

    async def stop(self) -> None:
        await self._shared.leave(self)


class _Receiver(asyncio.BufferedProtocol):
    """Cuts the stream into frames by their headers."""

    def __init__(self, shared: MbapSocket) -> None:
        self._shared = shared
        self._view = memoryview(bytearray(RECEIVE_BYTES))
        self._held = bytearray()
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        held = self._held
        held += self._view[:nbytes]
        while True:
            cut = mbap_cut(held)
            if cut.lost:
                self._shared.lost("not-modbus")
                return
            if cut.frame is None:
                return
            del held[: cut.consumed]
            self._shared.received(cut.transaction, cut.frame)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._shared.owns(self._transport):
            self._shared.lost("closed")
