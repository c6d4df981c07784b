"""RTU over TCP: a transparent gateway that carries the frames of one RS-485 line unchanged, CRC and all.

The socket is read and written directly under the event loop's reader: a poll costs two system calls and hardly anything
between them, which a transport with its buffers and flow control would double.
"""

from __future__ import annotations

import asyncio
import socket

from prewatt.core.clock import Clock
from prewatt.field.links.base import KeptOpen, LinkUser

RECEIVE_BYTES = 4096
KEEPALIVE_S, KEEPALIVES = 5, 3  # an idle socket too is known to be dead within 25 s
UNANSWERED_MS = 10_000  # bytes the gateway's TCP does not acknowledge for so long mean that it is gone


class TcpLink(KeptOpen):
    """One socket for one line."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        super().__init__(clock)
        self._host = host
        self._port = port
        self._user: LinkUser | None = None
        self._socket: socket.socket | None = None

    def start(self, user: LinkUser) -> None:
        self._user = user
        self.begin()

    def send(self, frame: bytes, _answer_length: int, /) -> None:
        sock = self._socket
        if sock is None:
            return
        try:
            sent = sock.send(frame)
        except OSError:
            sent = 0
        if sent != len(frame):
            # a few bytes that find no room: nobody has taken anything from this socket for a long time
            self._hang_up()

    async def connect(self) -> None:
        sock = await open_socket(self._host, self._port)
        watch_for_silence(sock)
        self._socket = sock
        asyncio.get_running_loop().add_reader(sock.fileno(), self._readable)

    def disconnect(self) -> None:
        sock, self._socket = self._socket, None
        if sock is not None:
            asyncio.get_running_loop().remove_reader(sock.fileno())
            sock.close()

    def went_up(self) -> None:
        assert self._user is not None
        self._user.link_up()

    def went_down(self, reason: str) -> None:
        assert self._user is not None
        self._user.link_down(reason)

    def _readable(self) -> None:
        sock, user = self._socket, self._user
        if sock is None or user is None:
            return
        try:
            data = sock.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            user.link_bytes(data)
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        self.disconnect()
        self.lost("closed")


async def open_socket(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket. Raises OSError."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError(f"no address for {host}")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


def watch_for_silence(sock: socket.socket) -> None:
    """Let the kernel notice a peer that went away without a word, and send each frame at once."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, UNANSWERED_MS // 1000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVES)
