"""Links open with growing pauses, come back after a loss, share a Modbus TCP socket, and listen late on a serial port."""

from __future__ import annotations

import asyncio
import itertools
import os
import pty
import socket
import tty
from contextlib import suppress
from functools import partial

import pytest

from prewatt.core.clock import SteppedClock, SystemClock
from prewatt.field.links import base
from prewatt.field.links.mbap import MbapGateway, MbapSocket
from prewatt.field.links.serial import SerialLink
from prewatt.field.links.tcp import TcpLink, watch_for_silence
from prewatt.meters import modbus
from tests import virtual

REQUEST = modbus.read_request(1, 0x0200, 2)
ANSWER = modbus.read_answer(1, b"\x01\x02\x03\x04")


class User:
    """Notes what the link tells."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.bytes = b""
        self.news = asyncio.Event()

    def link_up(self) -> None:
        self.told.append("up")
        self.news.set()

    def link_down(self, reason: str) -> None:
        self.told.append(reason)
        self.news.set()

    def link_bytes(self, data: bytes) -> None:
        self.bytes += data
        self.news.set()

    async def until(self, count: int = 0, length: int = 0) -> None:
        async with asyncio.timeout(10):
            while len(self.told) < count or len(self.bytes) < length:
                self.news.clear()
                await self.news.wait()


def test_a_tcp_link_carries_bytes_and_comes_back_after_a_loss() -> None:
    async def main() -> None:
        writers: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    assert await reader.readexactly(len(REQUEST)) == REQUEST
                    writer.write(ANSWER)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        link = TcpLink("127.0.0.1", server.sockets[0].getsockname()[1], SystemClock())
        user = User()
        link.start(user)
        await user.until(count=1)
        link.send(REQUEST, len(ANSWER))
        await user.until(length=len(ANSWER))
        writers[0].close()
        await user.until(count=3)
        assert user.told == ["up", "closed", "up"]
        link.send(REQUEST, len(ANSWER))
        await user.until(length=2 * len(ANSWER))
        assert user.bytes == ANSWER * 2
        link.reopen()
        await user.until(count=5)
        assert user.told[3:] == ["reopened", "up"]
        await link.stop()
        server.close()
        for writer in writers:
            writer.close()

    asyncio.run(main())


def test_a_port_where_nobody_listens_is_said_so() -> None:
    async def main() -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        link = TcpLink("127.0.0.1", port, SystemClock())
        user = User()
        link.start(user)
        await user.until(count=1)
        assert user.told == ["refused-connection"]
        await link.stop()

    asyncio.run(main())


def test_the_pauses_between_attempts_grow_and_end_at_half_a_minute() -> None:
    clock = SteppedClock(virtual.START)
    attempts: list[float] = []

    class Never(base.KeptOpen):
        async def connect(self) -> None:
            attempts.append(clock.monotonic())
            raise ConnectionRefusedError

        def disconnect(self) -> None: ...

        def went_up(self) -> None: ...

        def went_down(self, reason: str) -> None: ...

    async def main() -> None:
        link = Never(clock)
        link.begin()
        await asyncio.sleep(200)
        await link.stop()

    virtual.run(main(), clock)
    pauses = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert pauses[:8] == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30])


def test_lines_on_one_modbus_tcp_socket_get_their_own_answers_and_no_late_ones() -> None:
    async def main() -> None:
        asked: list[bytes] = []
        writers: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    asked.append(await reader.readexactly(12))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        shared = MbapSocket("127.0.0.1", server.sockets[0].getsockname()[1], SystemClock())
        users = [User(), User()]
        links = [shared.line(), shared.line()]
        for link, user in zip(links, users, strict=True):
            link.start(user)
            await user.until(count=1)
        links[0].send(modbus.read_request(1, 0, 1), 7)
        links[1].send(modbus.read_request(2, 0, 1), 7)
        links[0].send(modbus.read_request(1, 9, 1), 7)
        async with asyncio.timeout(5):
            while len(asked) < 3:
                await asyncio.sleep(0.001)
        assert len(writers) == 1
        late, other, right = (int.from_bytes(request[:2]) for request in asked)
        for transaction, unit, value in ((late, 1, 7), (right, 1, 8), (other, 2, 9)):
            writers[0].write(modbus.mbap_wrap(transaction, modbus.read_answer(unit, bytes((0, value)))))
        for user in users:
            await user.until(length=7)
        assert users[0].bytes == modbus.read_answer(1, b"\x00\x08")
        assert users[1].bytes == modbus.read_answer(2, b"\x00\x09")
        assert shared.dropped == 1
        writers[0].write(b"GET / HTTP/1.1\r\n\r\n")
        await users[0].until(count=2)
        assert users[0].told[1] == "not-modbus"
        for link in links:
            await link.stop()
        server.close()
        writers[0].close()

    asyncio.run(main())


def test_where_a_gateway_takes_one_caller_only_the_second_line_goes_with_the_first() -> None:
    async def main() -> None:
        callers = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal callers
            callers += 1
            if callers > 1:
                writer.close()
                return
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    request = await reader.readexactly(12)
                    answer = modbus.read_answer(request[6], b"\x00\x01")
                    writer.write(modbus.mbap_wrap(int.from_bytes(request[:2]), answer))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        gateway = MbapGateway("127.0.0.1", server.sockets[0].getsockname()[1], SystemClock())
        first, second = gateway.line(), gateway.line()
        users = [User(), User()]
        first.start(users[0])
        await users[0].until(count=1)
        first.send(modbus.read_request(1, 0, 1), 7)
        await users[0].until(length=7)
        second.start(users[1])
        await users[1].until(count=3)
        assert users[1].told == ["up", "closed", "up"]
        second.send(modbus.read_request(2, 0, 1), 7)
        await users[1].until(length=7)
        assert users[1].bytes == modbus.read_answer(2, b"\x00\x01")
        await second.stop()
        first.send(modbus.read_request(1, 0, 1), 7)
        await users[0].until(length=14)
        await first.stop()
        server.close()

    asyncio.run(main())


@pytest.mark.parametrize("baud", [9600, 115200])
def test_a_serial_link_hears_whole_answers_that_come_by_the_character(baud: int) -> None:
    async def main() -> None:
        master, slave = pty.openpty()
        tty.setraw(slave)
        link = SerialLink(os.ttyname(slave), baud, "N", SystemClock())
        user = User()
        link.start(user)
        await user.until(count=1)
        wakes = 0
        heard = link.heard

        def count(data: bytes) -> None:
            nonlocal wakes
            wakes += 1
            heard(data)

        link.heard = count  # type: ignore[method-assign]
        long_answer = modbus.read_answer(1, bytes(96))
        for _ in range(3):
            wakes = 0
            before = len(user.bytes)
            link.send(REQUEST, len(long_answer))
            await asyncio.to_thread(os.read, master, 64)
            await asyncio.sleep(0.02)
            for byte in long_answer:
                os.write(master, bytes((byte,)))
                await asyncio.sleep(10 / baud)
            await user.until(length=before + len(long_answer))
        assert user.bytes == long_answer * 3
        if baud <= 19200:
            assert wakes < len(long_answer) // 2, "it wakes for portions, not for characters"
        await link.stop()
        os.close(master)
        os.close(slave)

    asyncio.run(main())


def test_a_half_open_socket_is_known_to_be_dead_within_half_a_minute() -> None:
    with socket.socket() as sock:
        watch_for_silence(sock)
        read = partial(sock.getsockopt, socket.IPPROTO_TCP)
        idle = read(socket.TCP_KEEPIDLE) + read(socket.TCP_KEEPINTVL) * read(socket.TCP_KEEPCNT)
        assert idle <= 30
        assert read(socket.TCP_USER_TIMEOUT) <= 30_000
