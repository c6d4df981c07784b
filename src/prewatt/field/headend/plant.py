"""The lines that stand in the roster, running: made, changed and taken down as the roster changes, each for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import structlog

from prewatt.core.clock import Clock
from prewatt.field.bus.driver import Bus, LinkChanged
from prewatt.field.bus.machine import Machine
from prewatt.field.bus.timetable import Timetable
from prewatt.field.headend.contact import SILENT, Contacts, GatewayContact
from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.line import Line
from prewatt.field.headend.managers import Managers
from prewatt.field.headend.outbox import Outbox
from prewatt.field.headend.sitetime import SiteTime
from prewatt.field.headend.store import FORBIDDEN, GatewayEntry, LineEntry, RosterData
from prewatt.field.links import secure
from prewatt.field.links.acrel import Reported
from prewatt.field.links.base import Link
from prewatt.field.links.mbap import MbapGateway
from prewatt.field.links.protected import Protection
from prewatt.field.links.serial import SerialLink
from prewatt.field.links.tcp import TcpLink

log = structlog.get_logger(__name__)

REOPEN_SILENT_S = 60.0
LinkMaker = Callable[[GatewayEntry, LineEntry], Link | None]


class Plant:
    """All running lines. ``make_link`` builds the way to a line; None when its kind is not ours to read."""

    def __init__(
        self, make_link: LinkMaker, timetable: Timetable, clock: Clock, time: SiteTime, outbox: Outbox,
        on_contact: Callable[[Meter], None],
    ) -> None:  # fmt: skip
        self._make_link = make_link
        self._timetable = timetable
        self._clock = clock
        self._time = time
        self._outbox = outbox
        self._on_contact = on_contact
        self._contacts = Contacts(outbox, time.at_ms)
        self._gateways: dict[int, GatewayContact] = {}
        self.lines: dict[int, Line] = {}
        self._by_meter: dict[int, Line] = {}
        self._commanded: frozenset[int] = frozenset()

    def find(self, meter_id: int) -> tuple[Line, Meter] | None:
        """A meter and its line."""
        line = self._by_meter.get(meter_id)
        return (line, line.meters[meter_id]) if line is not None else None

    def command(self, gateways: frozenset[int]) -> None:
        """Only lines of these gateways may be polled: their leases are ours."""
        self._commanded = gateways
        for line in self.lines.values():
            allowed = line.gateway.gateway_id in gateways and not line.polled_there
            if line.machine.polling != allowed:
                line.machine.polling = allowed
                line.bus.kick()

    async def apply(self, roster: RosterData) -> None:
        """Make the running lines those of the roster. What did not change is not touched."""
        wanted = {line.line_id: (gateway, line) for gateway, line in _lines(roster)}
        inherited: dict[int, Meter] = {}
        for line_id, line in list(self.lines.items()):
            if line_id not in wanted or _endpoint(line.gateway, line.entry) != _endpoint(*wanted[line_id]):
                inherited |= line.meters
                await self._take_down(line)
        listed = {gateway.gateway_id for gateway in roster.gateways}
        self._gateways = {number: known for number, known in self._gateways.items() if number in listed}
        moved = {meter_id: meter for line in self.lines.values() for meter_id, meter in line.meters.items()} | inherited
        for line_id, (gateway, entry) in wanted.items():
            existing = self.lines.get(line_id)
            if existing is None:
                self._put_up(gateway, entry, moved)
            else:
                existing.gateway = gateway
                existing.update(entry, moved)
                existing.bus.kick()
        self._by_meter = {meter_id: line for line in self.lines.values() for meter_id in line.meters}
        self.command(self._commanded)
        log.info("roster.applied", version=roster.version, lines=len(self.lines), meters=len(self._by_meter))

    def tick(self, now: float) -> None:
        """Once a second: rounds that are due for a stored reading, and gateways that fell silent are called again."""
        for line in self.lines.values():
            line.hurry_when_due(now)
            gateway = line.gateway_contact
            if gateway.reason == SILENT and now - gateway.reopened_at >= REOPEN_SILENT_S:
                gateway.reopened_at = now
                for other in self.lines.values():
                    if other.gateway_contact is gateway:
                        other.bus.reopen()

    def reported(self, entry: LineEntry, reported: Reported, at_ms: int) -> None:
        """A manager's own report about a meter; it goes to the books as a reading."""
        line = self.lines.get(entry.line_id)
        if line is not None:
            line.reported(reported.address, reported.energies, at_ms)

    def of_gateway(self, gateway_id: int) -> list[Line]:
        """The running lines of a gateway."""
        return [line for line in self.lines.values() if line.gateway.gateway_id == gateway_id]

    def bus_beside(self, line: Line, entry: LineEntry, machine: Machine, changed: LinkChanged) -> Bus | None:
        """A second bus to a line, by other settings; whoever uses it stops the line's own meanwhile."""
        link = self._make_link(line.gateway, entry)
        return Bus(entry.name, machine, link, self._timetable, self._clock, changed) if link is not None else None

    def report(self, now: float) -> None:
        """Counters of all lines."""
        for line in self.lines.values():
            line.report(now)

    def exchanges(self) -> int:
        """Exchanges since the start, on all lines that run."""
        return sum(line.machine.counters.ever + line.machine.counters.exchanges for line in self.lines.values())

    async def stop(self) -> None:
        """Close every line."""
        await asyncio.gather(*(line.bus.stop() for line in self.lines.values()))
        self._timetable.stop()

    def _put_up(self, gateway: GatewayEntry, entry: LineEntry, inherited: dict[int, Meter]) -> None:
        link = self._make_link(gateway, entry)
        if link is None:
            log.warning("line.unreadable", line=entry.name, gateway=gateway.name, kind=gateway.kind)
            return
        contact = self._gateways.get(gateway.gateway_id)
        if contact is None:
            contact = self._gateways[gateway.gateway_id] = GatewayContact(gateway.gateway_id, gateway.name)
        line = Line(entry, gateway, contact, self._contacts, self._outbox, self._time)
        line.on_contact = self._on_contact
        line.attach(Bus(entry.name, line.machine, link, self._timetable, self._clock, line.link_changed))
        line.machine.polling = gateway.gateway_id in self._commanded and not line.polled_there
        line.update(entry, inherited)
        self.lines[entry.line_id] = line
        line.bus.start()

    async def _take_down(self, line: Line) -> None:
        del self.lines[line.entry.line_id]
        line.close()
        await line.bus.stop()


class Links:
    """Real ways to lines. Without ``managers`` or ``protection`` the lines that need them stay closed."""

    def __init__(self, clock: Clock, managers: Managers | None = None, protection: Protection | None = None) -> None:
        self._clock = clock
        self._managers = managers
        self._protection = protection
        self._gateways: dict[tuple[str, int], MbapGateway] = {}

    def make(self, gateway: GatewayEntry, line: LineEntry) -> Link | None:
        """The link of a line, by the kind of its gateway; None for a kind that cannot be read directly."""
        if gateway.secure == FORBIDDEN:
            return None
        match gateway.kind:
            case "transparent":
                return self._transparent(gateway, gateway.port + line.channel - 1)
            case "modbus-tcp":
                address = (gateway.host, gateway.port)
                if address not in self._gateways:
                    self._gateways[address] = MbapGateway(gateway.host, gateway.port, self._clock)
                return self._gateways[address].line()
            case "serial":
                return SerialLink(gateway.device, line.baud, line.parity, self._clock)
            case "acrel" if self._managers is not None:
                return self._managers.line(gateway, line)
        return None

    def _transparent(self, gateway: GatewayEntry, port: int) -> Link | None:
        """In the mode the gateway is set to, never in another."""
        if gateway.secure == "clear":
            return TcpLink(gateway.host, port, self._clock)
        if self._protection is None:
            return None
        if gateway.secure == secure.TLS:
            return self._protection.tls(gateway.name, gateway.host, port)
        if gateway.secure == secure.RECORDS:
            return self._protection.records(gateway.name, gateway.host, port, gateway.secure_until_ms)
        return None


def _lines(roster: RosterData) -> Iterator[tuple[GatewayEntry, LineEntry]]:
    for gateway in roster.gateways:
        for line in gateway.lines:
            yield gateway, line


def _endpoint(gateway: GatewayEntry, line: LineEntry) -> tuple[object, ...]:
    """What a line's link is made from: when it changes, the line is made anew."""
    return (gateway.gateway_id, gateway.kind, gateway.host, gateway.port, gateway.device, line.channel, line.baud,
            line.parity, gateway.name, gateway.secure, gateway.secure_until_ms)  # fmt: skip
