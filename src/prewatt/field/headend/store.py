"""The seam between the field and the books: four Protocols, and the plain values that cross it.

The head-end asks for its roster, hands over what it saw, and carries orders. The other side is Django behind a unix
socket, or a dict in a test. Every verb is one transaction there. Values are frozen dataclasses that travel as msgpack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from prewatt.core.evidence import Evidence


@dataclass(frozen=True, slots=True)
class MeterEntry:
    """A meter as the head-end needs it."""

    meter_id: int
    name: str
    address: int  # unit on the line; for a DL/T 645 meter only its place, for it is called by its serial
    profile: str  # name of the register profile
    serial: str  # as imported; "" when not known yet
    read_interval_s: int  # stored readings
    pt: int = 1  # ratios of the transformers in front of it
    ct: int = 1


@dataclass(frozen=True, slots=True)
class LineEntry:
    """A line with its meters in chain order."""

    line_id: int
    name: str
    channel: int
    baud: int
    parity: str  # "N", "E" or "O"
    log_frames: bool
    sweep_pause_s: float  # 0: state is swept continuously
    meters: tuple[MeterEntry, ...]


FORBIDDEN = "forbidden"  # clear text, and the site does not declare the network private: not to be reached


@dataclass(frozen=True, slots=True)
class GatewayEntry:
    """A gateway and its lines. kind: transparent (RTU over TCP, port + channel - 1), modbus-tcp, serial (device)."""

    gateway_id: int
    name: str
    kind: str
    host: str
    port: int
    device: str
    lines: tuple[LineEntry, ...]
    secure: str = "clear"  # or "tls", "3des", FORBIDDEN: how the way to it is protected
    secure_until_ms: int = 0  # the site's epoch ms from which triple-DES records are refused
    private_network: bool = False  # the site declares its network private, whatever its address


@dataclass(frozen=True, slots=True)
class RosterData:
    """All gateways this head-end may read. ``version`` grows with each change of the estate."""

    version: int
    gateways: tuple[GatewayEntry, ...]
    time_zone: str = "Asia/Shanghai"
    private_networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to command a gateway until ``expires_ms`` (site epoch ms); ``token`` grows at each take-over."""

    gateway_id: int
    holder: str
    token: int
    expires_ms: int


class ContactKind(StrEnum):
    """What a change of contact is about."""

    METER = "meter"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class ContactChange:
    """A meter or gateway that came into or went out of contact; reported on change only."""

    kind: ContactKind
    ref: int
    contact: str  # core.supply.Contact value
    at_ms: int
    last_good_ms: int  # 0: never
    tried: int  # failed rounds
    reason: str  # stable word: "timeout", "crc", "foreign", "refused", "closed", ...


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One raw frame of a line whose log is on. direction: "tx", "rx" or "note"."""

    line_id: int
    at_ms: int
    direction: str
    data: bytes
    note: str


@dataclass(frozen=True, slots=True)
class LineCounters:
    """What a line did since the last report."""

    line_id: int
    at_ms: int
    exchanges: int
    timeouts: int
    crc_errors: int
    foreign: int
    exceptions: int
    busy_permille: int
    latency_p50_ms: int
    latency_p95_ms: int
    round_ms: int  # time of the last whole sweep


@dataclass(frozen=True, slots=True)
class IdentitySeen:
    """A serial read from a meter's identity registers, when first seen or changed."""

    meter_id: int
    serial: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts inward, at most once a second. ``rows`` is a concatenation of meters.row.ROW records."""

    rows: bytes = b""
    contacts: tuple[ContactChange, ...] = ()
    frames: tuple[FrameRecord, ...] = ()
    counters: tuple[LineCounters, ...] = ()
    identities: tuple[IdentitySeen, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlTask:
    """A claimed control order. ``body`` holds its parameters.

    kind: "read-now" of a meter; "reconnect" of a gateway; "scan" of a line, body "from" and "to" (addresses) and
    "settings" ("9600N,9600E"). ``meter_id`` is 0 for the last two.
    """

    order_id: int
    meter_id: int
    kind: str
    body: dict[str, int | str] = field(default_factory=dict)
    deadline_ms: int = 0
    gateway_id: int = 0
    line_id: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A device that answered a scan: where, on which settings, and what it said it is."""

    baud: int
    parity: str
    address: int  # 0: a DL/T 645 meter, which is called by its serial
    profile: str = ""  # "": none fits, or several do
    candidates: str = ""  # those that do, with commas
    model_code: int = -1  # -1: it has none
    serial: str = ""


@dataclass(frozen=True, slots=True)
class CreditTask:
    """A credit order that waits for the line. ``probe``: its outcome is unknown, only evidence is wanted."""

    order_id: int
    meter_id: int
    probe: bool
    not_before_ms: int


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send one credit frame, given by the office after it committed the attempt."""

    order_id: int
    meter_id: int
    attempt: int
    serial: str
    n: int
    amount: int  # fen or Wh, negative gives back
    lease_token: int


@dataclass(frozen=True, slots=True)
class Refused:
    """No permit: why, and when to come back (0: not by itself)."""

    order_id: int
    reason: str
    retry_at_ms: int = 0


class Next(StrEnum):
    """What the head-end does after an observation."""

    DONE = "done"
    AGAIN = "again"  # ask for a retry permit with this observation and send the same n
    WAIT = "wait"  # read evidence again at wait_until_ms
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Decision:
    """The office's answer to an observation."""

    next: Next
    wait_until_ms: int = 0
    reason: str = ""


class LeaseLost(Exception):
    """The lease's token is no longer the current one: stop touching that gateway."""


class StoreAway(Exception):
    """The store cannot be reached, or failed: what was asked may or may not have happened. Ask again later."""


class Roster(Protocol):
    """Who is on the lines, and who may command them."""

    async def roster(self, *, known: int) -> RosterData | None:
        """The roster, or None when its version is still ``known``."""

    async def lease(self, *, holder: str, take_over: bool) -> Sequence[Lease]:
        """Take or renew the leases of all gateways. ``take_over`` on the first call of a process raises every token."""


class Readings(Protocol):
    """Facts inward."""

    async def ingest(self, batch: Batch) -> None:
        """Store a batch; idempotent by (meter, time)."""


class Controls(Protocol):
    """Control orders outward."""

    async def claim(self, *, leases: Sequence[Lease], limit: int) -> Sequence[ControlTask]:
        """Take waiting control orders of the leased gateways; given to nobody else while the lease lives."""

    async def progress(self, *, order_id: int, lease: Lease, asked: int, found: Sequence[Found]) -> bool:
        """Tell how far a long order is and what it brought since the last report. False: it was cancelled, stop."""

    async def done(self, *, order_id: int, lease: Lease, outcome: str, reason: str) -> None:
        """Report: outcome is "done", "failed" or "unknown"."""


class Credit(Protocol):
    """Credit orders: the head-end carries and reports, the office decides. Each verb is one transaction."""

    async def due(self, *, leases: Sequence[Lease]) -> Sequence[CreditTask]:
        """Orders that wait to be armed, and those in UNKNOWN whose next read-back is due (oldest first)."""

    async def arm(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        """Commit n, base and attempt 1 before the first byte."""

    async def retry(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        """Commit one more attempt of the same n, after evidence that nothing was applied."""

    async def observe(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Decision:
        """Store the observation and decide from it, in one transaction."""


class Store(Roster, Readings, Controls, Credit, Protocol):
    """All four, as one connection gives them."""

    async def wait_for_work(self, *, timeout_s: float) -> None:
        """Return when the store pushed "there is work", or after ``timeout_s`` of site time."""
