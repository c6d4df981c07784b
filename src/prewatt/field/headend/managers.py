"""Acrel managers that dial in: who they are, a way to each of their lines, and what they report by themselves.

To the bus, a line behind a manager is a transparent one: frames go down sealed as F1 and answers come back as F2. A
late answer is dropped here: it is one to a question asked before the newest to the same meter, or past its deadline.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog

from prewatt.core.clock import Clock
from prewatt.field.headend.store import GatewayEntry, LineEntry, RosterData
from prewatt.field.links.acrel import AcrelError, Caller, Report, Reported
from prewatt.field.links.acrelsession import Answered, ManagerSession, Proven
from prewatt.field.links.base import LinkUser
from prewatt.field.links.record3des import Random
from prewatt.field.links.tcp import watch_for_silence

log = structlog.get_logger(__name__)

DEFAULT_PORT = 4510
MISSING_AFTER_S = 90.0  # site seconds that a manager may take to dial in before its gateway counts as lost
SILENT_AFTER_S = 300.0  # without a word, not even a heartbeat: it dials again when it is there
PROOF_WITHIN_S = 15.0  # wall seconds
ANSWER_WITHIN_S = 10.0  # site seconds in which F2 may still belong to an F1

SecretOf = Callable[[str], bytes | None]
Facts = Callable[[LineEntry, Reported, int], None]  # line, energies, epoch milliseconds


class _Asked(NamedTuple):
    address: int
    until: float


class ManagerLink:
    """The way to one line of a manager."""

    def __init__(self, managers: Managers, gateway: GatewayEntry, line: LineEntry) -> None:
        self.gateway = gateway
        self.line = line
        self._managers = managers
        self._user: LinkUser | None = None
        self._connection: _Connection | None = None
        self._asked: deque[_Asked] = deque(maxlen=16)
        self.dropped = 0

    def start(self, user: LinkUser) -> None:
        self._user = user
        self._managers.join(self)

    def send(self, frame: bytes, _answer_length: int, /) -> None:
        if self._connection is None:
            return
        address = _unit(frame)
        self._asked.append(_Asked(address, self._managers.monotonic() + ANSWER_WITHIN_S))
        self._connection.ask(self.line.channel, address, frame)

    def reopen(self) -> None:
        if self._connection is not None:
            self._connection.hang_up()

    async def stop(self) -> None:
        await self._managers.leave(self)

    def attach(self, connection: _Connection) -> None:
        """The manager is there."""
        self._connection = connection
        self._asked.clear()
        if self._user is not None:
            self._user.link_up()

    def detach(self, reason: str) -> None:
        """The manager is gone, or did not come."""
        self._connection = None
        self._asked.clear()
        if self._user is not None:
            self._user.link_down(reason)

    @property
    def attached(self) -> bool:
        """Whether frames can be sent."""
        return self._connection is not None

    def answered(self, answer: Answered) -> None:
        """A frame came back: handed up only when it answers the newest question, in time."""
        now = self._managers.monotonic()
        while self._asked and self._asked[0].until < now:
            self._asked.popleft()
        for place, asked in enumerate(self._asked):
            if asked.address == answer.address:
                newest = place == len(self._asked) - 1
                del self._asked[place]
                if newest and answer.frame and self._user is not None:
                    self._user.link_bytes(answer.frame)
                    return
                break
        self.dropped += 1


def _unit(frame: bytes) -> int:
    """The unit a frame is for; 0 for one of DL/T 645, which carries none: the manager only needs something to echo."""
    dlt = frame[0] == 0xFE or (frame[0] == 0x68 and frame[7:8] == b"\x68")
    return 0 if dlt else frame[0]


class Managers:
    """All managers of a site. Listens on a port as long as a line needs it."""

    def __init__(self, clock: Clock, random: Random, secret_of: SecretOf, host: str) -> None:
        """``secret_of``: the device secret of a gateway by its name."""
        self.monotonic = clock.monotonic
        self.random = random
        self.zone = ZoneInfo("Asia/Shanghai")
        self.facts: Facts | None = None
        self._clock = clock
        self._secret_of = secret_of
        self._host = host
        self._links: dict[int, list[ManagerLink]] = {}  # by gateway
        self._connections: dict[int, _Connection] = {}
        self._listeners: dict[int, asyncio.Task[asyncio.Server]] = {}
        self._unproven: set[_Connection] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []

    def line(self, gateway: GatewayEntry, line: LineEntry) -> ManagerLink:
        """A link for one line of a manager."""
        return ManagerLink(self, gateway, line)

    def follow(self, roster: RosterData) -> None:
        """Take the site's time zone and private networks from the roster."""
        self.zone = ZoneInfo(roster.time_zone)
        self._networks = [ipaddress.ip_network(one) for one in roster.private_networks]

    def civil_now(self) -> datetime:
        """What a manager's clock is set to."""
        return self._clock.now().astimezone(self.zone)

    async def port_of(self, gateway: GatewayEntry) -> int:
        """Where that manager is waited for. Raises OSError when it cannot be."""
        server = await asyncio.shield(self._listeners[gateway.port or DEFAULT_PORT])
        return int(server.sockets[0].getsockname()[1])

    # -- lines --------------------------------------------------------------------------------------------------------

    def join(self, link: ManagerLink) -> None:
        """A line begins."""
        gateway = link.gateway
        self._links.setdefault(gateway.gateway_id, []).append(link)
        port = gateway.port or DEFAULT_PORT
        if port not in self._listeners:
            self._listeners[port] = asyncio.get_running_loop().create_task(self._listen(port))
        connection = self._connections.get(gateway.gateway_id)
        if connection is not None:
            link.attach(connection)
        else:
            wait = self._clock.real(MISSING_AFTER_S)
            asyncio.get_running_loop().call_later(wait, self._miss, link)

    async def leave(self, link: ManagerLink) -> None:
        """A line ends. With the last one of a gateway its connection, with the last one of a port its listener."""
        gateway = link.gateway
        links = self._links.get(gateway.gateway_id, [])
        if link in links:
            links.remove(link)
        if not links:
            self._links.pop(gateway.gateway_id, None)
            connection = self._connections.pop(gateway.gateway_id, None)
            if connection is not None:
                connection.hang_up()
        port = gateway.port or DEFAULT_PORT
        if not any((one[0].gateway.port or DEFAULT_PORT) == port for one in self._links.values()):
            await self._stop_listening(port)

    async def _listen(self, port: int) -> asyncio.Server:
        """Listen, trying again while the port is taken."""
        loop = asyncio.get_running_loop()
        pause = 1.0
        while True:
            try:
                return await loop.create_server(lambda: _Connection(self, port), self._host, port)
            except OSError as error:
                log.warning("managers.cannot-listen", port=port, why=error.strerror)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 30.0)

    async def _stop_listening(self, port: int) -> None:
        task = self._listeners.pop(port, None)
        if task is None:
            return
        task.cancel()
        (server,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(server, asyncio.Server):
            server.close()
        for connection in [one for one in self._unproven if one.listening_at == port]:
            connection.hang_up()

    def _miss(self, link: ManagerLink) -> None:
        if link in self._links.get(link.gateway.gateway_id, []) and not link.attached:
            link.detach("not-dialled-in")

    # -- managers -----------------------------------------------------------------------------------------------------

    def secret(self, who: Caller, port: int) -> bytes | None:
        """The device secret of whoever calls at a port, None for a stranger."""
        gateway = self._gateway(who, port)
        return self._secret_of(gateway.name) if gateway is not None else None

    def came(self, connection: _Connection) -> None:
        """Somebody dialled."""
        self._unproven.add(connection)

    def proven(self, connection: _Connection, who: Caller) -> None:
        """A manager proved itself. One that dials again has lost its first connection, whatever that thinks."""
        self._unproven.discard(connection)
        gateway = self._gateway(who, connection.listening_at)
        if gateway is None or not self._private(gateway, connection.address):
            log.warning("manager.refused", who=str(who), reason="network-not-private", address=connection.address)
            connection.hang_up()
            return
        before = self._connections.pop(gateway.gateway_id, None)
        if before is not None:
            self._part(before, "replaced")
            before.hang_up()
        connection.gateway_id = gateway.gateway_id
        self._connections[gateway.gateway_id] = connection
        log.info("manager.in", gateway=gateway.name, who=str(who))
        for link in self._links.get(gateway.gateway_id, []):
            link.attach(connection)

    def gone(self, connection: _Connection) -> None:
        """A connection ended."""
        self._unproven.discard(connection)
        if self._connections.get(connection.gateway_id) is connection:
            del self._connections[connection.gateway_id]
            self._part(connection, "closed")

    def answered(self, connection: _Connection, answer: Answered) -> None:
        """A frame came back from a line."""
        for link in self._links.get(connection.gateway_id, []):
            if link.line.channel == answer.port:
                link.answered(answer)

    def reported(self, connection: _Connection, report: Report) -> None:
        """A manager reports what it measured by itself."""
        if self.facts is None:
            return
        at_ms = round(report.at.replace(tzinfo=self.zone).astimezone(UTC).timestamp() * 1000)
        lines = {link.line.channel: link.line for link in self._links.get(connection.gateway_id, [])}
        for reported in report.meters:
            line = lines.get(reported.port)
            if line is not None:
                self.facts(line, reported, at_ms)

    def _part(self, connection: _Connection, reason: str) -> None:
        for link in self._links.get(connection.gateway_id, []):
            link.detach(reason)

    def _private(self, gateway: GatewayEntry, address: str) -> bool:
        """Their protocol is weak: it is heard from networks that the site declares private."""
        if gateway.private_network:
            return True
        peer = ipaddress.ip_address(address)
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return any(peer.version == one.version and peer in one for one in self._networks)

    def _gateway(self, who: Caller, port: int) -> GatewayEntry | None:
        """Which gateway of the estate that is: by the id in its field "device", else by its name."""
        for links in self._links.values():
            gateway = links[0].gateway
            names = {gateway.device} if gateway.device else {gateway.name}
            if (gateway.port or DEFAULT_PORT) == port and names & {who.gateway, str(who)}:
                return gateway
        return None


class _Connection(asyncio.Protocol):
    """One manager's connection."""

    def __init__(self, managers: Managers, listening_at: int) -> None:
        self.gateway_id = 0
        self.listening_at = listening_at
        self.address = ""
        self._managers = managers
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._session = ManagerSession(
            secret_of=lambda who: managers.secret(who, listening_at), civil_now=managers.civil_now,
            random=managers.random,
        )  # fmt: skip

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        watch_for_silence(transport.get_extra_info("socket"))
        self.address = str(transport.get_extra_info("peername")[0]).partition("%")[0]
        self._managers.came(self)
        self._heard_at = self._managers.monotonic()
        self._patience = asyncio.get_running_loop().call_later(PROOF_WITHIN_S, self._look)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._managers.monotonic()
        try:
            events = self._session.feed(data)
        except AcrelError as error:
            log.warning("manager.refused", who=str(self._session.who or ""), reason=error.reason)
            self._flush()
            self.close()
            return
        self._flush()
        for event in events:
            match event:
                case Proven():
                    self._managers.proven(self, event.who)
                case Answered():
                    self._managers.answered(self, event)
                case Report():
                    self._managers.reported(self, event)

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        if self._patience is not None:
            self._patience.cancel()
        self._managers.gone(self)

    def ask(self, port: int, address: int, frame: bytes) -> None:
        """Send a frame down."""
        self._session.ask(port, address, frame)
        self._flush()

    def close(self) -> None:
        """End it after what was said."""
        if self._transport is not None:
            self._transport.close()

    def hang_up(self) -> None:
        """End it now."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        out = self._session.outgoing()
        if out and self._transport is not None:
            self._transport.write(out)

    def _look(self) -> None:
        """Nobody may hold a connection without a proof, nor without a word for minutes."""
        silent = self._managers.monotonic() - self._heard_at > SILENT_AFTER_S
        if self._session.who is None or silent:
            self.hang_up()
        else:
            self._patience = asyncio.get_running_loop().call_later(PROOF_WITHIN_S, self._look)
