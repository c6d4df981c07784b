"""Puts the zone program together: the head-end's own line machinery over a store that is the other end of an uplink.

Only the roster and the readings go through it. Leases, control orders and credit orders do not exist here: what the
head-end wants of a line comes down the uplink frame by frame, and this end does not know what it means.
"""

# ruff: noqa: ARG002 (the names are the Protocols')

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from prewatt.core.clock import Clock
from prewatt.core.evidence import Evidence
from prewatt.field.gateway.buffer import Buffer
from prewatt.field.gateway.fresh import Facts, Told
from prewatt.field.gateway.uplink import Uplink
from prewatt.field.gateway.zone import Zone
from prewatt.field.headend import wire
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import (
    Batch,
    ControlTask,
    CreditTask,
    Decision,
    Found,
    GatewayEntry,
    Lease,
    LineEntry,
    Permit,
    Refused,
    RosterData,
    StoreAway,
)
from prewatt.field.links.base import Link
from prewatt.field.links.mbap import MbapGateway
from prewatt.field.links.serial import SerialLink
from prewatt.field.links.tcp import TcpLink
from prewatt.field.links.uplink import UplinkLost

log = structlog.get_logger(__name__)

ROSTER_NOTE = "roster"
HERE = "here"  # kind of the gateway as the zone's own lines know it
NO_ORDERS = "a gateway carries no order of its own"
LOCAL_LEASE_MS = 365 * 86_400_000
Maker = Callable[[GatewayEntry, LineEntry], Link | None]


class ZoneStore:
    """The store's Protocols for a zone: roster and readings over the uplink, and nothing else."""

    def __init__(self, zone: Zone, clock: Clock) -> None:
        self._zone = zone
        self._clock = clock
        self._number = 0
        self._own: tuple[int, ...] = ()
        self._told = -1  # version of the roster the lines have

    async def roster(self, *, known: int) -> RosterData | None:
        if known == -1 and (kept := self._zone.buffer.note(ROSTER_NOTE)) is not None:
            # read on after a restart, whether the uplink is there or not
            return self._local(wire.decode_result("roster", kept))
        if not self._zone.uplink.up:
            return None
        self._number += 1
        try:
            answer = _answer(await self._zone.uplink.call(_request(self._number, "roster", {"known": known})))
        except UplinkLost as error:
            raise StoreAway(str(error)) from error
        if answer.status != "ok":
            raise StoreAway(wire.decode_text(answer.payload))
        found: RosterData | None = wire.decode_result("roster", answer.payload)
        if found is None:
            return None
        self._zone.buffer.keep_note(ROSTER_NOTE, answer.payload)
        return self._local(found)

    async def ingest(self, batch: Batch) -> None:
        self._zone.keep(batch.rows)
        self._zone.fresh.heard(
            batch.rows,
            [Told((one.kind, one.ref), one) for one in batch.contacts],
            [Told(one.meter_id, one) for one in batch.identities],
            batch.counters,
            batch.frames,
        )

    async def lease(self, *, holder: str, take_over: bool) -> Sequence[Lease]:
        """Its own lines are always its own to poll; whoever commands them is between the head-ends."""
        until = round(self._clock.now().timestamp() * 1000) + LOCAL_LEASE_MS
        return [Lease(number, holder, 0, until) for number in self._own]

    async def wait_for_work(self, *, timeout_s: float) -> None:
        await asyncio.sleep(self._clock.real(timeout_s))

    async def claim(self, *, leases: Sequence[Lease], limit: int) -> Sequence[ControlTask]:
        return ()

    async def due(self, *, leases: Sequence[Lease]) -> Sequence[CreditTask]:
        return ()

    async def progress(self, *, order_id: int, lease: Lease, asked: int, found: Sequence[Found]) -> bool:
        raise AssertionError(NO_ORDERS)

    async def done(self, *, order_id: int, lease: Lease, outcome: str, reason: str) -> None:
        raise AssertionError(NO_ORDERS)

    async def arm(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        raise AssertionError(NO_ORDERS)

    async def retry(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        raise AssertionError(NO_ORDERS)

    async def observe(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Decision:
        raise AssertionError(NO_ORDERS)

    def _local(self, roster: RosterData) -> RosterData:
        self._own = tuple(one.gateway_id for one in roster.gateways)
        return replace(roster, gateways=tuple(replace(one, kind=HERE) for one in roster.gateways))


class Gateway:
    """A whole zone program."""

    def __init__(
        self, uplink: Uplink, buffer: Buffer, clock: Clock, make_link: Maker, name: str = "gateway"
    ) -> None:  # fmt: skip
        self.zone = Zone(uplink, buffer, clock, find=self._bus, encode=_encode, taken=_taken)
        self.head = HeadEnd(ZoneStore(self.zone, clock), clock, holder=name, make_link=make_link, sets_clocks=False)

    async def run(self) -> None:
        """Work until cancelled; what was read last is kept."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.head.run())
                group.create_task(self.zone.run())
        finally:
            await self.head.last_flush()

    def _bus(self, line_id: int) -> Any:
        return self.head.bus(line_id)


class LocalLinks:
    """Ways to the zone's lines by channel: a device (/dev/ttyS1), tcp://host:port, or modbus-tcp://host:port.

    A channel that is not given uses the gateway's device in the estate: the n-th of a list with commas.
    """

    def __init__(self, given: Mapping[int, str], clock: Clock) -> None:
        self._given = given
        self._clock = clock
        self._bridges: dict[tuple[str, int], MbapGateway] = {}

    def make(self, gateway: GatewayEntry, line: LineEntry) -> Link | None:
        """The link of a line; None when nothing says where it is."""
        devices = [one.strip() for one in gateway.device.split(",")]
        place = line.channel - 1
        where = self._given.get(line.channel) or (devices[place] if place < len(devices) else "")
        scheme, found, rest = where.partition("://")
        if not found:
            return SerialLink(where, line.baud, line.parity, self._clock) if where else None
        host, _, port = rest.rpartition(":")
        if not (host and port.isdigit()):
            return None
        address = (host.strip("[]"), int(port))
        match scheme:
            case "tcp":
                return TcpLink(*address, self._clock)
            case "modbus-tcp":
                if address not in self._bridges:
                    self._bridges[address] = MbapGateway(*address, self._clock)
                return self._bridges[address].line()
        return None


def _request(number: int, verb: str, arguments: Mapping[str, object]) -> bytes:
    return wire.encode_request(number, verb, arguments)[wire.LENGTH_BYTES :]


def _answer(body: bytes) -> wire.Answer:
    try:
        return wire.decode_answer(body)
    except wire.WireError as error:
        raise StoreAway(str(error)) from error


def _encode(facts: Facts) -> bytes:
    batch = Batch(
        facts.rows,
        tuple(one.fact for one in facts.contacts),
        facts.frames,
        facts.counters,
        tuple(one.fact for one in facts.identities),
    )
    return _request(1, "ingest", {"batch": batch})


def _taken(body: bytes) -> bool:
    try:
        answer = wire.decode_answer(body)
    except wire.WireError:
        return False
    if answer.status != "ok":
        log.warning("uplink.not-taken", why=answer.status)
    return answer.status == "ok"
