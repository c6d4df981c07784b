"""Modbus TCP: several lines behind one gateway share a socket; the transaction number tells whose answer it is.

The bus sees RTU frames only. Here the CRC is taken off and the header put on, and back again. An answer whose
transaction is not open any more came too late and is dropped, so nothing can be taken for another question's answer.
"""

from __future__ import annotations

import asyncio

from prewatt.core.clock import Clock
from prewatt.field.links.base import KeptOpen, LinkUser
from prewatt.field.links.tcp import RECEIVE_BYTES, watch_for_silence
from prewatt.meters.modbus import mbap_cut, mbap_wrap

TRANSACTIONS = 0x10000


class MbapSocket(KeptOpen):
    """The shared socket. Opens with the first line and closes with the last."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        super().__init__(clock)
        self._host = host
        self._port = port
        self._lines: dict[MbapLink, LinkUser] = {}
        self._open: dict[int, MbapLink] = {}  # transaction: line
        self._transaction = 0
        self._transport: asyncio.Transport | None = None
        self.dropped = 0  # answers of no open transaction

    def line(self) -> MbapLink:
        """A link for one more line."""
        return MbapLink(self)

    def join(self, link: MbapLink, user: LinkUser) -> None:
        """Let a line use the socket."""
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
        user.link_bytes(frame)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        receiver = _Receiver(self)
        transport, _ = await loop.create_connection(lambda: receiver, self._host, self._port)
        watch_for_silence(transport)
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

    def owns(self, transport: asyncio.BaseTransport | None) -> bool:
        """Whether that connection is the one in use, and not one given up before."""
        return transport is not None and transport is self._transport


class MbapLink:
    """One line's share of the socket."""

    def __init__(self, shared: MbapSocket) -> None:
        self._shared = shared
        self.transaction = -1

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
