"""The ends of a simulated line that one can plug into: RTU over TCP, Modbus TCP, and a pseudo serial port.

A line waits in site time; what falls within a few real milliseconds is sent as one piece, as networks do.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from collections import deque
from collections.abc import Callable
from typing import Protocol

from prewatt.field.simulator.line import SimulatedLine, Timed
from prewatt.meters import dlt645
from prewatt.meters.modbus import mbap_cut, mbap_wrap, request_length, sound

_BLUR_S = 0.004  # real time within which pieces run together
_PATIENCE_S = 0.02  # real time without a byte that ends a frame, at least: networks tear frames apart
_GATEWAY_TIMEOUT_S = 1.0  # site time a Modbus TCP gateway waits for a meter
_LONGEST = 512

Send = Callable[[bytes], None]


class Plug(Protocol):
    """One end of a line that a master can be connected to."""

    host: str
    port: int
    framing: str

    async def open(self) -> None:
        """Begin to listen. Raises OSError when the port is taken."""

    async def close(self) -> None:
        """Hang up on everybody and stop listening."""


class Ear:
    """Finds the frames in what a master says and lets the line answer, in time."""

    def __init__(self, line: SimulatedLine, send: Send) -> None:
        self._line, self._send = line, send
        self._loop = asyncio.get_running_loop()
        self._heard = bytearray()
        self._silence: asyncio.TimerHandle | None = None

    def hear(self, data: bytes) -> None:
        """Bytes came. A sound frame is answered at once, anything else when the line falls silent."""
        heard = self._heard
        heard += data
        while length := self._whole(heard):
            frame = bytes(heard[:length])
            del heard[:length]
            self._answer(frame)
        if self._silence:
            self._silence.cancel()
            self._silence = None
        if len(heard) > _LONGEST:
            heard.clear()
        if heard:
            wait = max(_PATIENCE_S, self._line.clock.real(self._line.silence_s))
            self._silence = self._loop.call_later(wait, self._fell_silent)

    def _whole(self, heard: bytearray) -> int:
        """Length of the whole sound frame in front, 0 when there is none yet."""
        if self._line.holds_dlt and heard and heard[0] in (dlt645.WAKE, dlt645.START):
            length = dlt645.frame_length(heard)
            if length is None or len(heard) < length:
                return 0
            if length and dlt645.open_frame(heard[:length]) is not None:
                return length
        expected = request_length(heard)
        if expected is None or len(heard) < expected or not sound(heard[:expected]):
            return 0
        return expected

    def _fell_silent(self) -> None:
        frame, self._silence = bytes(self._heard), None
        self._heard.clear()
        self._answer(frame)

    def _answer(self, frame: bytes) -> None:
        real = self._line.clock.real
        for wait, piece in blur([(real(wait), piece) for wait, piece in self._line.respond(frame)]):
            self._loop.call_later(wait, self._send, piece)


def blur(pieces: Timed) -> Timed:
    """Join pieces that come too close together to be told apart."""
    joined: Timed = []
    for wait, piece in pieces:
        if joined and wait - joined[-1][0] < _BLUR_S:
            joined[-1] = (wait, joined[-1][1] + piece)
        else:
            joined.append((wait, piece))
    return joined


class _RtuConnection(asyncio.Protocol):
    """A master on a transparent gateway."""

    def __init__(self, line: SimulatedLine, open_ones: set[asyncio.Transport]) -> None:
        self._line, self._open_ones = line, open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_ones.add(transport)
        self._ear = Ear(self._line, self._say)

    def data_received(self, data: bytes) -> None:
        self._ear.hear(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._open_ones.discard(self._transport)

    def _say(self, piece: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(piece)


class _Bridge:
    """A Modbus TCP gateway in front of a line: one request at a time, the others wait in a row."""

    def __init__(self, line: SimulatedLine) -> None:
        self._line = line
        self._row: deque[tuple[int, bytes, Send]] = deque()
        self._busy = False

    def ask(self, transaction: int, frame: bytes, send: Send) -> None:
        """Put a request in the row."""
        self._row.append((transaction, frame, send))
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._row)
        if not self._busy:
            return
        transaction, frame, send = self._row.popleft()
        pieces = self._line.respond(frame)
        reply = b"".join(piece for _, piece in pieces)
        whole = len(reply) > 4 and sound(reply) and reply[0] == frame[0]
        wait = pieces[-1][0] if whole and pieces[-1][0] < _GATEWAY_TIMEOUT_S else _GATEWAY_TIMEOUT_S
        content = mbap_wrap(transaction, reply) if whole and wait < _GATEWAY_TIMEOUT_S else b""
        asyncio.get_running_loop().call_later(self._line.clock.real(wait), self._done, content, send)

    def _done(self, content: bytes, send: Send) -> None:
        if content:
            send(content)
        self._next()


class _MbapConnection(_RtuConnection):
    """A master on a Modbus TCP gateway."""

    def __init__(self, line: SimulatedLine, open_ones: set[asyncio.Transport], bridge: _Bridge) -> None:
        super().__init__(line, open_ones)
        self._bridge = bridge
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            cut = mbap_cut(self._buffer)
            if cut.lost:
                self._transport.close()
                return
            if cut.frame is None:
                return
            del self._buffer[: cut.consumed]
            self._bridge.ask(cut.transaction, cut.frame, self._say)


class TcpPlug:
    """A port of a gateway, transparent or Modbus TCP. Port 0: any free one, kept from then on."""

    def __init__(self, line: SimulatedLine, framing: str, host: str, port: int) -> None:
        self.line, self.framing, self.host, self.port = line, framing, host, port
        self._server: asyncio.Server | None = None
        self._open_ones: set[asyncio.Transport] = set()
        self._bridge = _Bridge(line)

    def _connection(self) -> asyncio.Protocol:
        if self.framing == "modbus-tcp":
            return _MbapConnection(self.line, self._open_ones, self._bridge)
        return _RtuConnection(self.line, self._open_ones)

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for transport in list(self._open_ones):
            transport.abort()
        await self._server.wait_closed()
        self._server = None


class PtyPlug:
    """A pseudo serial port: ``host`` is the device to open."""

    framing = "serial"
    port = 0

    def __init__(self, line: SimulatedLine) -> None:
        self.line = line
        self.host = ""
        self._ends: tuple[int, int] | None = None

    async def open(self) -> None:
        ours, theirs = self._ends = pty.openpty()
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        self.host = os.ttyname(theirs)
        ear = Ear(self.line, self._say)
        asyncio.get_running_loop().add_reader(ours, lambda: ear.hear(os.read(ours, 4096)))

    def _say(self, piece: bytes) -> None:
        if self._ends:
            with contextlib.suppress(BlockingIOError):  # nobody reads the port: a real wire forgets too
                os.write(self._ends[0], piece)

    async def close(self) -> None:
        if self._ends is None:
            return
        ends, self._ends = self._ends, None
        asyncio.get_running_loop().remove_reader(ends[0])
        for end in ends:
            os.close(end)
