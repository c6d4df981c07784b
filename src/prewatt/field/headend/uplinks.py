"""Our own gateways as they dial in: who is heard, what they hand over, and the lines that are reached through them.

A gateway is given its own lines and nothing else, and what it reports is taken for its own meters only. It has no verb
of money or of supply: those are carried by the head-end, through the tunnel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import structlog

from prewatt.core.clock import Clock
from prewatt.core.supply import Contact
from prewatt.field.headend import wire
from prewatt.field.headend.leases import Leases
from prewatt.field.headend.outbox import Outbox
from prewatt.field.headend.plant import Plant
from prewatt.field.headend.store import (
    Batch,
    ContactChange,
    ContactKind,
    GatewayEntry,
    LineEntry,
    RosterData,
    Store,
    StoreAway,
)
from prewatt.field.headend.tunnel import OWN_KIND, TunnelLink, Tunnels
from prewatt.field.links.secure import RECORDS, TLS
from prewatt.field.links.uplink import Exchange, Result, Session
from prewatt.meters.row import ROW

log = structlog.get_logger(__name__)

LOST_LEASE = "not-owner"


class Uplinks:
    """All gateways of kind prewatt."""

    def __init__(self, store: Store, clock: Clock, leases: Leases, outbox: Outbox) -> None:
        self._store = store
        self._clock = clock
        self._leases = leases
        self._outbox = outbox
        self._plant: Plant | None = None
        self._roster = RosterData(-1, ())
        self._tunnels: dict[int, Tunnels] = {}
        self._owner: dict[int, int] = {}  # meter: its gateway now
        self._once: dict[int, set[int]] = {}  # gateway: meters that were its own since we began

    def begin(self, plant: Plant) -> None:
        """The lines that run."""
        self._plant = plant

    def link(self, gateway: GatewayEntry, line: LineEntry) -> TunnelLink:
        """The way to one of its lines."""
        return TunnelLink(self._of(gateway.gateway_id), line.line_id)

    def accept(self, name: str, mode: str = "") -> asyncio.Protocol | None:
        """A gateway dialled in and proved its name. None: it is not heard."""
        entry = next((one for one in self._roster.gateways if one.name == name and one.kind == OWN_KIND), None)
        if entry is None:
            log.warning("uplink.unknown", gateway=name, mode=mode)
            return None
        if mode and mode != _mode(entry):
            log.warning("uplink.other-mode", gateway=name, mode=mode)
            return None
        if self._leases.current(entry.gateway_id) is None:
            log.info("uplink.not-owner", gateway=name)
            return None
        return Session(_Caller(self, entry), self._clock, dialled=False)

    def records_until_ms(self, name: str) -> int:
        """Until when a gateway is heard in triple-DES records; 0 when it is not."""
        entry = next((one for one in self._roster.gateways if one.name == name), None)
        return entry.secure_until_ms if entry is not None and _mode(entry) == RECORDS else 0

    def any_records(self) -> bool:
        """Whether any gateway is set to triple-DES records."""
        return any(one.kind == OWN_KIND and _mode(one) == RECORDS for one in self._roster.gateways)

    def update(self, roster: RosterData) -> None:
        """The roster changed: whoever is not on it any more is hung up on."""
        self._roster = roster
        self._owner = {meter: one.gateway_id for one in roster.gateways for meter in _meters(one)}
        for meter, gateway_id in self._owner.items():
            self._once.setdefault(gateway_id, set()).add(meter)
        listed = {one.gateway_id for one in roster.gateways if one.kind == OWN_KIND}
        self._hang_up((number for number in self._tunnels if number not in listed), "not-on-roster")

    def keep(self, gateways: frozenset[int]) -> None:
        """Only these are ours to command."""
        self._hang_up((number for number in self._tunnels if number not in gateways), LOST_LEASE)

    def stop(self) -> None:
        """Hang up on all."""
        self._hang_up(list(self._tunnels), "stopping")

    # -- inside -------------------------------------------------------------------------------------------------------

    def _of(self, gateway_id: int) -> Tunnels:
        if gateway_id not in self._tunnels:
            self._tunnels[gateway_id] = Tunnels(gateway_id, self._clock, lambda: self._token(gateway_id))
        return self._tunnels[gateway_id]

    def _token(self, gateway_id: int) -> int | None:
        lease = self._leases.current(gateway_id)
        return lease.token if lease is not None else None

    def _hang_up(self, gateways: Iterable[int], reason: str) -> None:
        for number in list(gateways):
            session = self._tunnels[number].session
            if session is not None:
                session.hang_up(reason)

    def came(self, entry: GatewayEntry, session: Session) -> None:
        """It is there."""
        log.info("uplink.up", gateway=entry.name)
        self._of(entry.gateway_id).came(session)

    def went(self, entry: GatewayEntry, session: Session, reason: str) -> None:
        """It is not any more."""
        log.info("uplink.down", gateway=entry.name, reason=reason)
        self._of(entry.gateway_id).went(session)

    def result(self, entry: GatewayEntry, session: Session, result: Result) -> None:
        """An exchange ended."""
        self._of(entry.gateway_id).result(session, result)

    async def run(self, entry: GatewayEntry, body: bytes) -> bytes:
        """A verb of a gateway, and its answer."""
        number = 0
        try:
            request = wire.decode_request(body)
            number = request.id
            match request.verb:
                case "roster":
                    return _bare(wire.encode_ok(number, self._its_roster(entry, **request.arguments)))
                case "ingest":
                    await self._ingest(entry, **request.arguments)
                    return _bare(wire.encode_ok(number, None))
            return _bare(wire.encode_error(number, f"a gateway has no {request.verb}"))
        except (wire.WireError, StoreAway, ValueError) as error:
            return _bare(wire.encode_error(number, str(error)))
        except Exception:
            log.exception("uplink.verb-failed", gateway=entry.name)
            return _bare(wire.encode_error(number, "failed"))

    def _its_roster(self, entry: GatewayEntry, known: int) -> RosterData | None:
        roster = self._roster
        if roster.version == known:
            return None
        return RosterData(roster.version, tuple(one for one in roster.gateways if one.gateway_id == entry.gateway_id))

    async def _ingest(self, entry: GatewayEntry, batch: Batch) -> None:
        """Readings are stored before the answer. The rest goes with our own reports, so that neither overtakes."""
        rows = self._own_rows(entry, batch.rows)
        if rows:
            await self._store.ingest(Batch(rows=rows))
        own = {meter for meter, gateway in self._owner.items() if gateway == entry.gateway_id}
        current = next((one for one in self._roster.gateways if one.gateway_id == entry.gateway_id), entry)
        lines = {line.line_id for line in current.lines}
        for change in batch.contacts:
            if change.kind is ContactKind.METER and change.ref in own:
                self._contact(change)
        for frame in batch.frames:
            if frame.line_id in lines:
                self._outbox.frame(frame)
        for counters in batch.counters:
            if counters.line_id in lines:
                self._outbox.counted(counters)
        for seen in batch.identities:
            if seen.meter_id in own:
                self._outbox.identity(seen)

    def _own_rows(self, entry: GatewayEntry, rows: bytes) -> bytes:
        """Rows of its own meters: those on its lines, those that once were, and those that are nobody's by now."""
        if len(rows) % ROW.size:
            raise ValueError(f"{len(rows)} bytes are not whole rows")
        once = self._once.get(entry.gateway_id, set())
        kept: list[bytes] = []
        for start in range(0, len(rows), ROW.size):
            row = rows[start : start + ROW.size]
            meter = int.from_bytes(row[:4], "little")
            if meter in once or meter not in self._owner:
                kept.append(row)
        if len(kept) * ROW.size != len(rows):
            log.warning("uplink.foreign-rows", gateway=entry.name, rows=len(rows) // ROW.size - len(kept))
        return b"".join(kept)

    def _contact(self, change: ContactChange) -> None:
        if change.contact == Contact.OK:
            # told anew after an outage it may be old: its readings say when it answered last
            change = replace(change, last_good_ms=0)
        self._outbox.contact(change)
        found = self._plant.find(change.ref) if self._plant is not None else None
        if found is None:
            return
        line, meter = found
        was, meter.contact = meter.contact, Contact(change.contact)
        if meter.contact is Contact.OK and was is not Contact.OK:
            line.on_contact(meter)


class _Caller:
    """One connection of one gateway."""

    def __init__(self, uplinks: Uplinks, entry: GatewayEntry) -> None:
        self._uplinks = uplinks
        self._entry = entry
        self._running: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()  # what it reports is taken in the order it was sent

    def session_up(self, session: Session) -> None:
        self._uplinks.came(self._entry, session)

    def session_down(self, session: Session, reason: str) -> None:
        self._uplinks.went(self._entry, session, reason)

    def called(self, session: Session, number: int, body: bytes) -> None:
        running = asyncio.get_running_loop().create_task(self._run(session, number, body))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    def exchange(self, session: Session, exchange: Exchange, age_s: float) -> None:
        del exchange, age_s
        session.hang_up("not-ours")

    def result(self, session: Session, result: Result) -> None:
        self._uplinks.result(self._entry, session, result)

    async def _run(self, session: Session, number: int, body: bytes) -> None:
        async with self._turn:
            session.answer(number, await self._uplinks.run(self._entry, body))


def _mode(gateway: GatewayEntry) -> str:
    """How it must dial in. Never in clear: TLS unless it is set to records."""
    return RECORDS if gateway.secure == RECORDS else TLS


def _bare(telegram: bytes) -> bytes:
    """Without its length: the uplink brings its own."""
    return telegram[wire.LENGTH_BYTES :]


def _meters(gateway: GatewayEntry) -> Iterable[int]:
    return (meter.meter_id for line in gateway.lines for meter in line.meters)
