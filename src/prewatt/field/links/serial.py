"""A line on a serial port. Up to 19200 baud it listens late: the reader wakes when the answer can be complete.

A character of 9600 baud takes a millisecond; waking for each one costs ten times the CPU of waking for the last.
"""

from __future__ import annotations

import asyncio

import serialx

from prewatt.core.clock import Clock
from prewatt.field.links.base import KeptOpen, LinkUser

LATE_LISTEN_UP_TO = 19200
LAST_CHARACTERS = 3  # listen again this much before the end: a timer may be late by a millisecond
EXCEPTION_LENGTH = 5


class SerialLink(KeptOpen):
    """One port, one line, 8 data bits and 1 stop bit."""

    precise = True  # no gateway keeps the silence for us: wake to the tenth of a millisecond

    def __init__(self, device: str, baud: int, parity: str, clock: Clock) -> None:
        super().__init__(clock)
        self._device = device
        self._baud = baud
        self._parity = serialx.Parity(parity)
        self._character_s = (10 if parity == "N" else 11) / baud
        self._late = baud <= LATE_LISTEN_UP_TO
        self._user: LinkUser | None = None
        self._transport: asyncio.Transport | None = None
        self._deaf: asyncio.TimerHandle | None = None
        self._missing = 0  # bytes of the answer still to come

    def start(self, user: LinkUser) -> None:
        self._user = user
        self.begin()

    def send(self, frame: bytes, answer_length: int, /) -> None:
        if self._transport is None:
            return
        self._transport.write(frame)
        self._missing = answer_length
        if self._late:
            self._listen_after(len(frame) + EXCEPTION_LENGTH)

    def heard(self, data: bytes) -> None:
        """Bytes came: hand them on, and if more must follow close the ear until they can all be there."""
        if self._user is None:
            return
        self._missing -= len(data)
        if self._late and self._missing > LAST_CHARACTERS and not (len(data) > 1 and data[1] & 0x80):
            self._listen_after(self._missing)
        self._user.link_bytes(data)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        receiver = _Receiver(self)
        try:
            transport, _ = await serialx.create_serial_connection(
                loop, lambda: receiver, self._device, self._baud, parity=self._parity
            )
        except serialx.SerialException as error:
            raise OSError(str(error)) from error
        self._transport = transport

    def disconnect(self) -> None:
        if self._deaf is not None:
            self._deaf.cancel()
            self._deaf = None
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

    def _listen_after(self, characters: int) -> None:
        transport = self._transport
        if transport is None:
            return
        transport.pause_reading()
        if self._deaf is not None:
            self._deaf.cancel()
        delay = self._clock.real((characters - LAST_CHARACTERS) * self._character_s)
        self._deaf = asyncio.get_running_loop().call_later(delay, self._listen)

    def _listen(self) -> None:
        self._deaf = None
        if self._transport is not None:
            self._transport.resume_reading()


class _Receiver(asyncio.Protocol):
    def __init__(self, link: SerialLink) -> None:
        self._link = link
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._link.heard(data)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._link.owns(self._transport):
            self._link.lost("closed")
