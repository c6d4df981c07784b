"""``prewatt store``: the one process that writes what the field brings, behind a unix socket.

The event loop cuts telegrams and pushes "there is work"; one thread runs the verbs, money before readings. What a
client may have under way is bounded, so a head-end that outruns the database waits at its socket.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import structlog

from prewatt.core.errors import Refusal
from prewatt.field.headend import wire
from prewatt.field.headend.store import LeaseLost
from prewatt.main import bootstrap
from prewatt.main.home import Home

LOOK_EVERY_SECONDS = 0.5
MOST_CLIENTS = 16
MOST_UNDER_WAY = 64  # requests of one client
MOST_BYTES_UNDER_WAY = 32 * 1024 * 1024
WORK = wire.encode_work()
WORK_BODY = WORK[4:]
STOP_RANK = -1
AFTER_MONEY = {"ingest": 1}  # every other verb goes first

log = structlog.get_logger(__name__)


@dataclass(order=True)
class _Job:
    """A request in the queue: money first, then in the order of arrival."""

    rank: int
    number: int
    client: Client | None = field(default=None, compare=False)  # None: stop
    request: wire.Request | None = field(default=None, compare=False)
    size: int = field(default=0, compare=False)


class Server:
    """Accepts clients, runs their verbs one by one, pushes work."""

    def __init__(self, verbs: Any) -> None:
        self._verbs = verbs
        self._jobs: asyncio.PriorityQueue[_Job] = asyncio.PriorityQueue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="verbs")
        self._number = 0
        self.clients: set[Client] = set()

    async def run(self, path: str, stop: asyncio.Event) -> None:
        """Serve at a socket until asked to stop; the verb that runs then is finished and answered."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_unix_server(lambda: Client(self), path)
        await loop.run_in_executor(None, Path(path).chmod, 0o600)
        work, look = asyncio.create_task(self._work()), asyncio.create_task(self._look())
        log.info("store.ready")
        try:
            await stop.wait()
        finally:
            listener.close()
            look.cancel()
            self._jobs.put_nowait(_Job(STOP_RANK, 0))
            await asyncio.gather(work, look, return_exceptions=True)
            await loop.run_in_executor(self._thread, self._close_database)
            for client in list(self.clients):
                client.hang_up()
            self._thread.shutdown()

    def submit(self, client: Client, request: wire.Request, size: int) -> None:
        """Queue a client's request."""
        self._number += 1
        rank = AFTER_MONEY.get(request.verb, 0)
        self._jobs.put_nowait(_Job(rank, self._number, client, request, size))

    def push_work(self) -> None:
        """Tell every head-end that there is work."""
        for client in self.clients:
            if client.asked:
                client.write(WORK)

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            if job.client is None or job.request is None:
                return
            if job.client.alive:
                answer = await self._in_thread(self._answer, job.request)
                job.client.write(answer)
            job.client.done(job.size)

    async def _look(self) -> None:
        """Look for work that nobody announced: an order whose read-back fell due, a poke that was lost."""
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            if any(client.asked for client in self.clients) and await self._in_thread(self._waiting):
                self.push_work()

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        """Run in the verbs' thread. A cancelled wait still lets the verb end and its answer go out."""
        running = asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
        return await asyncio.shield(running)

    def _answer(self, request: wire.Request) -> bytes:
        """Run one verb. Runs in the verbs' thread."""
        from django.db import DatabaseError, close_old_connections, connection

        close_old_connections()
        try:
            return wire.encode_ok(request.id, self._verbs.call(request.verb, request.arguments))
        except LeaseLost as error:
            return wire.encode_lost(request.id, str(error))
        except DatabaseError as error:
            connection.close()
            log.warning("store.database", verb=request.verb, why=str(error))
            return wire.encode_error(request.id, f"database: {error}")
        except Exception as error:
            log.exception("store.verb-failed", verb=request.verb)
            return wire.encode_error(request.id, repr(error))

    def _waiting(self) -> bool:
        from django.db import DatabaseError, close_old_connections, connection

        close_old_connections()
        try:
            return bool(self._verbs.work_waiting())
        except DatabaseError:
            connection.close()
            return False

    @staticmethod
    def _close_database() -> None:
        from django.db import connections

        connections.close_all()


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._cutter = wire.Cutter()
        self._transport: asyncio.Transport | None = None
        self._under_way = 0
        self._bytes = 0
        self._full = False  # it does not read its answers
        self.alive = False
        self.asked = False  # it has made a request: a head-end, not a poke

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if len(self._server.clients) >= MOST_CLIENTS:
            log.warning("store.too-many-clients")
            transport.abort()
            return
        self.alive = True
        self._server.clients.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self.alive = False
        self._server.clients.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            for telegram in self._cutter.feed(data):
                self._take(telegram)
        except wire.WireError as error:
            log.warning("store.bad-telegram", why=str(error))
            self.hang_up()
        self._pace()

    def pause_writing(self) -> None:
        self._full = True
        self._pace()

    def resume_writing(self) -> None:
        self._full = False
        self._pace()

    def write(self, telegram: bytes) -> None:
        """Send an answer or a push, unless the client is gone."""
        if self.alive and self._transport is not None:
            self._transport.write(telegram)

    def done(self, size: int) -> None:
        """A request of that many bytes was answered."""
        self._under_way -= 1
        self._bytes -= size
        self._pace()

    def hang_up(self) -> None:
        """End the connection once what was written is out."""
        if self._transport is not None:
            self._transport.close()

    def _take(self, telegram: bytes) -> None:
        if telegram == WORK_BODY:
            self._server.push_work()
            return
        request = wire.decode_request(telegram)
        self.asked = True
        self._under_way += 1
        self._bytes += len(telegram)
        self._server.submit(self, request, len(telegram))

    def _pace(self) -> None:
        """Read on only while there is room: the bound on memory."""
        if self._transport is None or self._transport.is_closing():
            return
        room = self._under_way < MOST_UNDER_WAY and self._bytes < MOST_BYTES_UNDER_WAY and not self._full
        if room and not self._transport.is_reading():
            self._transport.resume_reading()
        elif not room and self._transport.is_reading():
            self._transport.pause_reading()


def hold(home: Home) -> IO[str]:
    """Be the one store of a home, until the file is closed. Raises Refusal when there is another."""
    lock = (home.path / "store.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Refusal("store-running", "The store of %(path)s is already running.", path=home.path) from None
    return lock


async def serve(home: Home) -> None:
    """Serve until SIGTERM."""
    from prewatt.main.verbs import Verbs

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await Server(Verbs(home.clock())).run(str(home.store_socket), stop)


def main(argv: list[str]) -> int:
    """Run the store of a home."""
    parser = argparse.ArgumentParser(prog="./run store", description="Only the store, which writes the database.")
    parser.parse_args(argv)
    home = Home.find()
    bootstrap.use(home)
    with hold(home):
        home.store_socket.unlink(missing_ok=True)
        try:
            asyncio.run(serve(home))
        except OSError as error:
            raise Refusal(
                "store-socket", "Cannot serve at %(path)s: %(why)s", path=home.store_socket, why=error
            ) from error
        finally:
            with contextlib.suppress(OSError):
                home.store_socket.unlink(missing_ok=True)
    return 0
