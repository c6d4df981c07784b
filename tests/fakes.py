"""Fakes of the seams. The store of the head-end as dicts: leases, readings, control and credit orders, without a database.

Credit is judged by the real evidence function of core; what is left out is money: no ledger, no receipts.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prewatt.core import evidence as core
from prewatt.core.clock import Clock
from prewatt.core.evidence import Armed, Evidence, Finding
from prewatt.field.headend.store import (
    Batch,
    ContactChange,
    ControlTask,
    CreditTask,
    Decision,
    Found,
    FrameRecord,
    IdentitySeen,
    Lease,
    LeaseLost,
    LineCounters,
    Next,
    Permit,
    Refused,
    RosterData,
    StoreAway,
)
from prewatt.meters.row import ROW, ReadingRow

LEASE_S = 30
READ_BACK_S = (2, 5, 15, 60, 300)


@dataclass
class FakeOrder:
    """A credit order: QUEUED, UNKNOWN, DELIVERED, REFUSED or QUARANTINE."""

    order_id: int
    meter_id: int
    amount: int
    state: str = "QUEUED"
    armed: Armed | None = None
    permits: list[Permit] = field(default_factory=list)
    observations: list[Evidence] = field(default_factory=list)
    next_look_ms: int = 0
    looks: int = 0


@dataclass
class FakeControl:
    """A control order and what was reported about it."""

    task: ControlTask
    claimed: bool = False
    outcome: str = ""
    reason: str = ""
    asked: int = 0
    found: list[Found] = field(default_factory=list)
    cancelled: bool = False


class FakeStore:
    """The four Protocols in memory. ``away`` makes every verb fail."""

    def __init__(self, roster: RosterData, clock: Clock) -> None:
        self.data = roster
        self.clock = clock
        self.away = False
        self.token = 0
        self.holder = ""  # of all leases
        self.readings: list[ReadingRow] = []
        self.latest: dict[int, ReadingRow] = {}
        self.contacts: list[ContactChange] = []
        self.frames: list[FrameRecord] = []
        self.counters: list[LineCounters] = []
        self.identities: list[IdentitySeen] = []
        self.batches = 0
        self.orders: dict[int, FakeOrder] = {}
        self.controls: dict[int, FakeControl] = {}
        self.work = asyncio.Event()
        self.calls: list[str] = []

    # -- for the test -----------------------------------------------------------------------------------------------

    def sell(self, meter_id: int, amount: int) -> FakeOrder:
        """Queue a credit order."""
        order = FakeOrder(len(self.orders) + 1, meter_id, amount)
        self.orders[order.order_id] = order
        self.work.set()
        return order

    def read_now(self, meter_id: int, *, kind: str = "read-now", deadline_ms: int = 0) -> FakeControl:
        """Queue a control order."""
        control = FakeControl(ControlTask(len(self.controls) + 1, meter_id, kind, {}, deadline_ms))
        self.controls[control.task.order_id] = control
        self.work.set()
        return control

    def order(self, kind: str, **fields: Any) -> FakeControl:
        """Queue a control order of a gateway or a line."""
        control = FakeControl(ControlTask(len(self.controls) + 1, 0, kind, **fields))
        self.controls[control.task.order_id] = control
        self.work.set()
        return control

    def stored(self, meter_id: int) -> list[ReadingRow]:
        """Stored readings of a meter."""
        return [row for row in self.readings if row.meter_id == meter_id and row.store]

    def contact_of(self, kind: str, ref: int) -> list[str]:
        """What was reported about one meter or gateway, in order."""
        return [change.contact for change in self.contacts if (change.kind, change.ref) == (kind, ref)]

    # -- the Protocols ----------------------------------------------------------------------------------------------

    async def roster(self, *, known: int) -> RosterData | None:
        self._called("roster")
        return None if known == self.data.version else self.data

    async def lease(self, *, holder: str, take_over: bool) -> Sequence[Lease]:
        self._called("lease")
        if take_over or not self.holder:
            self.token += 1
            self.holder = holder
        if holder != self.holder:
            return []
        expires = self._now_ms() + 1000 * LEASE_S
        return [Lease(gateway.gateway_id, holder, self.token, expires) for gateway in self.data.gateways]

    async def ingest(self, batch: Batch) -> None:
        self._called("ingest")
        self.batches += 1
        for fields in ROW.iter_unpack(batch.rows):
            row = ReadingRow(*fields)
            self.readings.append(row)
            if row.meter_id not in self.latest or row.at_ms > self.latest[row.meter_id].at_ms:
                self.latest[row.meter_id] = row
        self.contacts += batch.contacts
        self.frames += batch.frames
        self.counters += batch.counters
        self.identities += batch.identities

    async def claim(self, *, leases: Sequence[Lease], limit: int) -> Sequence[ControlTask]:
        self._called("claim")
        waiting = [control for control in self.controls.values() if not control.claimed][:limit]
        for control in waiting:
            control.claimed = True
        return [control.task for control in waiting]

    async def progress(self, *, order_id: int, lease: Lease, asked: int, found: Sequence[Found]) -> bool:
        self._called("progress", lease)
        control = self.controls[order_id]
        control.asked = asked
        control.found += found
        return not control.cancelled

    async def done(self, *, order_id: int, lease: Lease, outcome: str, reason: str) -> None:
        self._called("done", lease)
        self.controls[order_id].outcome = outcome
        self.controls[order_id].reason = reason

    async def due(self, *, leases: Sequence[Lease]) -> Sequence[CreditTask]:
        self._called("due")
        now = self._now_ms()
        flying = {order.meter_id for order in self.orders.values() if order.state == "UNKNOWN"}
        tasks = [
            CreditTask(order.order_id, order.meter_id, True, 0)
            for order in self.orders.values()
            if order.state == "UNKNOWN" and order.next_look_ms <= now
        ]
        for order in self.orders.values():
            if order.state == "QUEUED" and order.meter_id not in flying:
                flying.add(order.meter_id)
                tasks.append(CreditTask(order.order_id, order.meter_id, False, 0))
        return tasks

    async def arm(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        self._called("arm", lease)
        order = self.orders[order_id]
        if order.state != "QUEUED":
            return Refused(order_id, "not queued")
        if evidence.serial is None or evidence.count is None or evidence.total is None:
            return Refused(order_id, "no evidence", self._now_ms() + 5000)
        order.state = "UNKNOWN"
        order.armed = Armed(evidence.serial, evidence.count + 1, evidence.count, evidence.total, order.amount, 1)
        return self._permit(order, lease)

    async def retry(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        self._called("retry", lease)
        order = self.orders[order_id]
        assert order.armed is not None
        if core.judge(order.armed, evidence).finding is not Finding.NOT_APPLIED:
            return Refused(order_id, "not proven unapplied")
        order.armed = replace(order.armed, sends=order.armed.sends + 1)
        return self._permit(order, lease)

    async def observe(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Decision:
        self._called("observe", lease)
        order = self.orders[order_id]
        order.observations.append(evidence)
        if order.state != "UNKNOWN" or order.armed is None:
            return Decision(Next.STOP, reason=order.state)
        verdict = core.judge(order.armed, evidence)
        if verdict.finding is Finding.NOT_APPLIED:
            return Decision(Next.AGAIN, reason=verdict.reason)
        if verdict.finding in (Finding.DELIVERED, Finding.REFUSED, Finding.QUARANTINE):
            order.state = verdict.finding.name
            return Decision(Next.DONE if order.state == "DELIVERED" else Next.STOP, reason=verdict.reason)
        pause = READ_BACK_S[min(order.looks, len(READ_BACK_S) - 1)]
        order.looks += 1
        order.next_look_ms = self._now_ms() + 1000 * pause
        return Decision(Next.WAIT, order.next_look_ms, verdict.reason)

    async def wait_for_work(self, *, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(self.clock.real(timeout_s)):
                await self.work.wait()
        except TimeoutError:
            return
        finally:
            self.work.clear()

    # -- inside -----------------------------------------------------------------------------------------------------

    def _permit(self, order: FakeOrder, lease: Lease) -> Permit:
        assert order.armed is not None
        permit = Permit(
            order.order_id,
            order.meter_id,
            order.armed.sends,
            order.armed.serial,
            order.armed.n,
            order.amount,
            lease.token,
        )
        order.permits.append(permit)
        return permit

    def _called(self, verb: str, lease: Lease | None = None) -> None:
        self.calls.append(verb)
        if self.away:
            raise StoreAway("away")
        if lease is not None and lease.token != self.token:
            raise LeaseLost(f"token {self.token}")

    def _now_ms(self) -> int:
        return round(self.clock.now().timestamp() * 1000)


class FakeMeter:
    """A register map that answers Modbus as the NK meters do: reads, the credit rule, and exceptions on demand."""

    def __init__(self, unit: int, serial: str, *, credit: int = 10000, count: int = 3, total: int = 20000) -> None:
        self.unit = unit
        self.serial = serial
        self.credit = credit
        self.count = count
        self.total = total
        self.energy = 123456  # 0.01 kWh
        self.dead = False
        self.illegal: set[int] = set()  # first registers answered with exception 02
        self.applied: list[tuple[int, int]] = []  # number and amount of purchases
        self.asked: list[tuple[int, int, int]] = []

    def words(self, address: int, count: int) -> list[int]:
        """Registers as they are now."""
        words = dict.fromkeys(range(address, address + count), 0)
        words |= dict(zip(range(0x0043, 0x0046), struct.unpack(">3H", bytes.fromhex(self.serial)), strict=True))
        words |= {0x0200: 7, 0x0201: 2203, 0x0204: 1234, 0x020A: 2500, 0x0212: 980, 0x0213: 1, 0x0214: 1}
        words |= _long(0x0215, self.energy) | _long(0x021F, self.credit) | {0x0221: self.count, 0x0224: 0xE00F}
        words |= {0x0228: 0x1A0B, 0x0229: 0x1405, 0x022A: 0x0E1E, 0x022B: 0x0000} | _long(0x0412, self.total)
        return [words[place] for place in range(address, address + count)]

    def answer(self, frame: bytes) -> bytes | None:
        """The answer frame; None when it is not asked or dead."""
        from prewatt.meters import modbus

        if self.dead or frame[0] != self.unit:
            return None
        request = modbus.open_request(frame)
        if request is None:
            return None
        self.asked.append((request.function, request.address, request.count))
        if request.address in self.illegal:
            return modbus.exception_answer(self.unit, request.function, 2)
        if request.function == modbus.READ:
            body = struct.pack(f">{request.count}H", *self.words(request.address, request.count))
            return modbus.read_answer(self.unit, body)
        if request.address == 0x050D:
            code = self._buy(request.words)
            if code:
                return modbus.exception_answer(self.unit, request.function, code)
        return modbus.write_answer(request)

    def _buy(self, words: tuple[int, ...]) -> int:
        high, low, n = words
        (amount,) = struct.unpack(">i", struct.pack(">HH", high, low))
        if n == self.count:
            return 0
        if n != self.count + 1:
            return 3
        if self.credit + amount > 5_000_000 or self.credit + amount < 0:
            return 4
        self.count, self.credit, self.total = n, self.credit + amount, self.total + amount
        self.applied.append((n, amount))
        return 0


def _long(address: int, value: int) -> dict[int, int]:
    high, low = struct.unpack(">HH", struct.pack(">i", value))
    return {address: high, address + 1: low}
