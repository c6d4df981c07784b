"""The store's socket: verbs in one thread, money first, work pushed, memory bounded; and the real process, killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError

from prewatt.core.clock import SystemClock
from prewatt.field.headend import wire
from prewatt.field.headend.remote import RemoteStore
from prewatt.field.headend.store import Batch, Lease, LeaseLost, RosterData, StoreAway
from prewatt.main.home import Home
from prewatt.main.poke import poke
from prewatt.main.store import MOST_UNDER_WAY, Server
from tests.own_home import environment_of

ROOT = Path(__file__).resolve().parents[2]
LEASE = Lease(1, "head", 1, 1)


class Verbs:
    """Verbs without an office: they note the order they came in, and do what the test says."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.calls = 0
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = False

    def call(self, verb: str, arguments: dict[str, Any]) -> Any:
        self.calls += 1
        self.gate.wait(10)
        self.ran.append(verb)
        match verb:
            case "roster":
                return RosterData(3, ()) if arguments["known"] != 3 else None
            case "claim":
                raise LeaseLost("taken over")
            case "done":
                raise DatabaseError("disk full")
            case "observe":
                raise ValueError("our own mistake")
        return None if verb == "ingest" else []

    def work_waiting(self) -> bool:
        return self.waiting


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def serving(verbs: Verbs, path: Path) -> AsyncIterator[Server]:
    server, stop = Server(verbs), asyncio.Event()
    running = asyncio.create_task(server.run(str(path), stop))
    await until(path.exists)
    try:
        yield server
    finally:
        stop.set()
        verbs.gate.set()
        await running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def verbs(django_db_blocker: Any) -> Iterator[Verbs]:
    with django_db_blocker.unblock():  # the server closes connections; none is opened
        yield Verbs()


def test_verbs_and_their_errors_cross_the_socket(home: Home, verbs: Verbs) -> None:
    async def scene() -> None:
        async with serving(verbs, home.store_socket):
            store = RemoteStore(home.store_socket, SystemClock())
            assert await store.roster(known=0) == RosterData(3, ())
            assert await store.roster(known=3) is None
            with pytest.raises(LeaseLost, match="taken over"):
                await store.claim(leases=[LEASE], limit=1)
            with pytest.raises(StoreAway, match="disk full"):
                await store.done(order_id=1, lease=LEASE, outcome="done", reason="")
            await store.ingest(Batch())
            await store.close()

    asyncio.run(scene())
    assert verbs.ran == ["roster", "roster", "claim", "done", "ingest"]


def test_our_own_mistake_in_a_verb_is_an_error_and_the_store_lives_on(home: Home, verbs: Verbs) -> None:
    from prewatt.core.evidence import Evidence

    async def scene() -> None:
        async with serving(verbs, home.store_socket):
            store = RemoteStore(home.store_socket, SystemClock())
            with pytest.raises(StoreAway, match="our own mistake"):
                await store.observe(order_id=1, lease=LEASE, evidence=Evidence(None, None, None, None))
            assert await store.due(leases=[]) == []
            await store.close()

    asyncio.run(scene())


def test_money_goes_before_readings(home: Home, verbs: Verbs) -> None:
    async def scene() -> None:
        async with serving(verbs, home.store_socket) as server:
            store = RemoteStore(home.store_socket, SystemClock())
            await store.roster(known=3)
            verbs.gate.clear()
            first = [asyncio.create_task(store.ingest(Batch())) for _ in range(3)]
            await until(lambda: server._jobs.qsize() == 2)  # the third is in the verbs' thread
            last = asyncio.create_task(store.due(leases=[]))
            await until(lambda: server._jobs.qsize() == 3)
            verbs.gate.set()
            await asyncio.gather(*first, last)
            await store.close()

    asyncio.run(scene())
    assert verbs.ran == ["roster", "ingest", "due", "ingest", "ingest"]


def test_a_poke_is_passed_on_at_once(home: Home, verbs: Verbs) -> None:
    async def scene() -> None:
        async with serving(verbs, home.store_socket):
            store = RemoteStore(home.store_socket, SystemClock())
            await store.roster(known=3)
            await store.wait_for_work(timeout_s=0)  # what connecting itself announced
            waiting = asyncio.create_task(store.wait_for_work(timeout_s=30))
            await asyncio.sleep(0)
            assert await asyncio.to_thread(poke, home)
            async with asyncio.timeout(5):
                await waiting
            await store.close()

    asyncio.run(scene())


def test_work_nobody_announced_is_found(home: Home, verbs: Verbs) -> None:
    async def scene() -> None:
        async with serving(verbs, home.store_socket):
            store = RemoteStore(home.store_socket, SystemClock())
            await store.roster(known=3)
            await store.wait_for_work(timeout_s=0)
            verbs.waiting = True
            async with asyncio.timeout(5):
                await store.wait_for_work(timeout_s=30)
            await store.close()

    asyncio.run(scene())


def test_a_poke_without_a_store_is_no_error(home: Home) -> None:
    assert not poke(home)


def test_a_client_that_outruns_the_database_waits_at_its_socket(home: Home, verbs: Verbs) -> None:
    async def scene() -> None:
        async with serving(verbs, home.store_socket) as server:
            reader, writer = await asyncio.open_unix_connection(str(home.store_socket))
            verbs.gate.clear()
            request = wire.encode_request(7, "ingest", {"batch": Batch(rows=bytes(60_000))})
            sent = 0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    for _ in range(4 * MOST_UNDER_WAY):
                        writer.write(request)
                        await writer.drain()
                        sent += 1
            assert sent < 3 * MOST_UNDER_WAY
            assert server._jobs.qsize() <= MOST_UNDER_WAY + 4  # what one more reading of the socket may hold
            verbs.gate.set()
            for _ in range(sent):
                size = int.from_bytes(await reader.readexactly(4))
                assert wire.decode_answer(await reader.readexactly(size)).status == "ok"
            writer.close()

    asyncio.run(scene())


@pytest.mark.parametrize("telegram", [b"\xff\xff\xff\xff", b"\0\0\0\1\xc1", wire.encode_error(1, "this is an answer")])
def test_what_is_no_telegram_ends_the_connection(home: Home, verbs: Verbs, telegram: bytes) -> None:
    async def scene() -> None:
        async with serving(verbs, home.store_socket):
            reader, writer = await asyncio.open_unix_connection(str(home.store_socket))
            writer.write(telegram)
            async with asyncio.timeout(5):
                assert await reader.read() == b""
            writer.close()

    asyncio.run(scene())
    assert verbs.ran == []


def test_the_verb_that_runs_is_finished_and_answered_before_the_store_stops(home: Home, verbs: Verbs) -> None:
    async def scene() -> None:
        async with serving(verbs, home.store_socket):
            store = RemoteStore(home.store_socket, SystemClock())
            await store.roster(known=3)
            verbs.gate.clear()
            last = asyncio.create_task(store.due(leases=[]))
            await until(lambda: verbs.calls == 2)
        assert await last == []

    asyncio.run(scene())


@pytest.mark.django_db
class TestTheProcess:
    """``prewatt store`` as it runs on a home of its own, with orders sold from another process."""

    @pytest.fixture
    def own(self, tmp_path: Path) -> Iterator[tuple[Home, dict[str, str]]]:
        home = Home(tmp_path / "h")
        with environment_of(home.path) as environment:
            (home.path / "home.json").write_text('{"kind": "site"}')
            yield home, environment

    def sold(self, environment: dict[str, str]) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.main.sold"], cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    @contextlib.contextmanager
    def process(self, home: Home, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        running = subprocess.Popen(
            [sys.executable, "-m", "prewatt.main.cli", "store"], cwd=ROOT, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 30
            while not self.answers(home):
                assert running.poll() is None, running.stderr.read().decode() if running.stderr else ""
                assert time.monotonic() < deadline
                time.sleep(0.02)  # a real process starts in real time
            yield running
        finally:
            running.kill()
            running.communicate()

    def answers(self, home: Home) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            return line.connect_ex(str(home.store_socket)) == 0

    def test_an_order_is_armed_observed_and_proven_over_the_socket(self, own: tuple[Home, dict[str, str]]) -> None:
        from prewatt.core.evidence import Evidence
        from prewatt.field.headend.store import Next, Permit

        home, environment = own
        order = self.sold(environment)

        async def carry() -> None:
            store = RemoteStore(home.store_socket, SystemClock())
            leases = list(await store.lease(holder="head", take_over=True))
            roster = await store.roster(known=0)
            assert roster is not None
            assert [meter.serial for meter in roster.gateways[0].lines[0].meters] == [order["serial"]]
            [task] = await store.due(leases=leases)
            at = time.time()
            before = Evidence(order["serial"], 7, 500_00, 12_34, at=at)
            permit = await store.arm(order_id=task.order_id, lease=leases[0], evidence=before)
            assert isinstance(permit, Permit)
            assert (permit.n, permit.amount) == (8, 100_00)
            after = Evidence(order["serial"], 8, 600_00, 112_34, at=at + 1)
            assert (await store.observe(order_id=task.order_id, lease=leases[0], evidence=after)).next is Next.DONE
            assert await store.due(leases=leases) == []
            await store.close()

        with self.process(home, environment):
            asyncio.run(carry())
        assert self.verified(environment)["ok"]

    def test_killed_and_started_again_it_serves_on(self, own: tuple[Home, dict[str, str]]) -> None:
        home, environment = own
        self.sold(environment)
        with self.process(home, environment) as first:
            os.kill(first.pid, signal.SIGKILL)
            first.wait(10)
        with self.process(home, environment) as second:

            async def ask() -> int:
                store = RemoteStore(home.store_socket, SystemClock())
                leases = await store.lease(holder="head", take_over=True)
                tasks = await store.due(leases=leases)
                await store.close()
                return len(tasks)

            assert asyncio.run(ask()) == 1
            refused = subprocess.run(
                [sys.executable, "-m", "prewatt.main.cli", "store"], cwd=ROOT, env=environment, capture_output=True,
                text=True, timeout=60, check=False,
            )  # fmt: skip
            assert refused.returncode == 1
            assert "already running" in refused.stderr
            second.send_signal(signal.SIGTERM)
            assert second.wait(10) == 0
            assert not home.store_socket.exists()

    def verified(self, environment: dict[str, str]) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "prewatt.main.cli", "verify", "--json"], cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if found["ok"] else 1)
        return found
