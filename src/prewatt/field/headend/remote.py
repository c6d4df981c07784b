"""The store at the other end of a unix socket: a verb is a request, answers come in any order, work is pushed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prewatt.core.clock import Clock
from prewatt.core.evidence import Evidence
from prewatt.field.headend import wire
from prewatt.field.headend.store import (
    Batch,
    ControlTask,
    CreditTask,
    Decision,
    Found,
    Lease,
    LeaseLost,
    Permit,
    Refused,
    RosterData,
    StoreAway,
)

ANSWER_WITHIN_S = 20.0  # wall seconds: the longest wait for a writer's turn, with room
CONNECT_WITHIN_S = 5.0


class RemoteStore:
    """All four Protocols over ``path``. Connects when first needed and again after a loss; a verb is never repeated."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._connecting = asyncio.Lock()
        self._connection: _Connection | None = None
        self._number = 0
        self._work = asyncio.Event()

    async def roster(self, *, known: int) -> RosterData | None:
        found: RosterData | None = await self._call("roster", known=known)
        return found

    async def lease(self, *, holder: str, take_over: bool) -> Sequence[Lease]:
        found: list[Lease] = await self._call("lease", holder=holder, take_over=take_over)
        return found

    async def ingest(self, batch: Batch) -> None:
        await self._call("ingest", batch=batch)

    async def claim(self, *, leases: Sequence[Lease], limit: int) -> Sequence[ControlTask]:
        found: list[ControlTask] = await self._call("claim", leases=list(leases), limit=limit)
        return found

    async def progress(self, *, order_id: int, lease: Lease, asked: int, found: Sequence[Found]) -> bool:
        go_on: bool = await self._call("progress", order_id=order_id, lease=lease, asked=asked, found=list(found))
        return go_on

    async def done(self, *, order_id: int, lease: Lease, outcome: str, reason: str) -> None:
        await self._call("done", order_id=order_id, lease=lease, outcome=outcome, reason=reason)

    async def due(self, *, leases: Sequence[Lease]) -> Sequence[CreditTask]:
        found: list[CreditTask] = await self._call("due", leases=list(leases))
        return found

    async def arm(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        leave: Permit | Refused = await self._call("arm", order_id=order_id, lease=lease, evidence=evidence)
        return leave

    async def retry(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        leave: Permit | Refused = await self._call("retry", order_id=order_id, lease=lease, evidence=evidence)
        return leave

    async def observe(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Decision:
        decision: Decision = await self._call("observe", order_id=order_id, lease=lease, evidence=evidence)
        return decision

    async def wait_for_work(self, *, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(self._clock.real(timeout_s)):
                await self._work.wait()
        except TimeoutError:
            return
        finally:
            self._work.clear()

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.hang_up()

    async def _call(self, verb: str, **arguments: object) -> Any:
        connection = await self._connected()
        self._number += 1
        answer = await connection.request(self._number, wire.encode_request(self._number, verb, arguments))
        try:
            if answer.status == "ok":
                return wire.decode_result(verb, answer.payload)
            text = wire.decode_text(answer.payload)
        except wire.WireError as error:
            raise StoreAway(f"{verb}: {error}") from error
        if answer.status == "lost":
            raise LeaseLost(text)
        raise StoreAway(f"{verb}: {text}")

    async def _connected(self) -> _Connection:
        async with self._connecting:
            if self._connection is not None and self._connection.alive:
                return self._connection
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(CONNECT_WITHIN_S):
                    _, connection = await loop.create_unix_connection(lambda: _Connection(self._work), str(self._path))
            except (OSError, TimeoutError) as error:
                raise StoreAway(f"{self._path.name}: {error}") from error
            self._connection = connection
            # whatever was pushed while nobody listened
            self._work.set()
            return connection


class _Connection(asyncio.Protocol):
    """One connection and the requests under way on it."""

    def __init__(self, work: asyncio.Event) -> None:
        self._work = work
        self._cutter = wire.Cutter()
        self._waiting: dict[int, asyncio.Future[wire.Answer]] = {}
        self._transport: asyncio.Transport | None = None
        self.alive = False

    async def request(self, number: int, telegram: bytes) -> wire.Answer:
        """Send and wait. Raises StoreAway when the connection goes, or the answer takes too long."""
        if self._transport is None or not self.alive:
            raise StoreAway("not connected")
        future: asyncio.Future[wire.Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._transport.write(telegram)
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await future
        except TimeoutError:
            self.hang_up()
            raise StoreAway("no answer in time") from None
        finally:
            self._waiting.pop(number, None)

    def hang_up(self) -> None:
        """End the connection; whoever waits on it is told."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.alive = True

    def data_received(self, data: bytes) -> None:
        try:
            answers = [wire.decode_answer(telegram) for telegram in self._cutter.feed(data)]
        except wire.WireError:
            self.hang_up()
            return
        for answer in answers:
            if answer.id == wire.WORK_ID:
                self._work.set()
                continue
            future = self._waiting.get(answer.id)
            if future is not None and not future.done():
                future.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self.alive = False
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(StoreAway(str(error or "closed")))
