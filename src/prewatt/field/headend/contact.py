"""Who is in contact, told on change only: a meter after three failed rounds, a gateway before its meters are blamed.

A meter's silence proves something about the meter only while the way to it is proven: by another meter of the same
gateway that answered since, or by being the only one there. Otherwise the gateway is the silent one, and its meters are
unknown, not lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

import structlog

from prewatt.core.supply import Contact
from prewatt.field.bus.exchange import Outcome
from prewatt.field.bus.rounds import OUT_AFTER
from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.outbox import Outbox
from prewatt.field.headend.store import ContactChange, ContactKind

log = structlog.get_logger(__name__)

SILENT_AFTER_S = 15.0  # with every meter behind it missing
CLOSED_IN_A_ROW = 3  # a gateway that takes the call and hangs up at once
SILENT = "silent"


@dataclass(slots=True)
class LineContact:
    """The way to one line."""

    meters: list[Meter] = field(default_factory=list)
    up: bool | None = None  # None: not tried yet
    closed_in_a_row: int = 0
    settled: bool = False  # it carried an answer, and nothing happened to it or its gateway since


@dataclass(slots=True)
class GatewayContact:
    """A gateway and what is behind it."""

    gateway_id: int
    name: str
    lines: dict[int, LineContact] = field(default_factory=dict)
    contact: Contact | None = None
    reason: str = ""
    last_answer_at: float = -inf  # of any meter
    last_good_at: float = -inf  # of a meter, or a link that opened
    reopened_at: float = -inf

    def meters(self) -> list[Meter]:
        """All meters behind it."""
        return [meter for line in self.lines.values() for meter in line.meters]


class Contacts:
    """Judges contact of all meters and gateways. ``at_ms`` turns monotonic site time into that of facts."""

    def __init__(self, outbox: Outbox, at_ms: Callable[[float], int]) -> None:
        self._outbox = outbox
        self._at_ms = at_ms

    def answered(self, gateway: GatewayContact, meter: Meter, now: float) -> None:
        """A meter spoke."""
        meter.first_missed_at = inf
        meter.last_good_at = gateway.last_answer_at = gateway.last_good_at = now
        if meter.contact is not Contact.OK:
            self._meter(meter, Contact.OK, now, "")
        if gateway.contact is not Contact.OK:
            self._gateway(gateway, Contact.OK, now, "")

    def missed(self, gateway: GatewayContact, meter: Meter, outcome: Outcome, now: float) -> None:
        """A meter did not answer its poll."""
        if meter.first_missed_at == inf:
            meter.first_missed_at = now
        if meter.station.failures < OUT_AFTER or gateway.contact is Contact.OUT:
            return
        meters = gateway.meters()
        if gateway.last_answer_at >= meter.first_missed_at or len(meters) == 1:
            if meter.contact is not Contact.OUT:
                self._meter(meter, Contact.OUT, now, outcome.value)
            return
        quiet_since = max(gateway.last_answer_at, min(other.first_missed_at for other in meters))
        if all(other.station.failures for other in meters) and now - quiet_since >= SILENT_AFTER_S:
            self._gateway(gateway, Contact.OUT, now, SILENT)
            self._unknown(meters, now, SILENT)

    def up(self, gateway: GatewayContact, line: LineContact, now: float) -> None:
        """A line's link opened. That proves the gateway, not its meters."""
        for meter in line.meters:
            meter.first_missed_at = inf
        if line.closed_in_a_row >= CLOSED_IN_A_ROW:
            return
        line.up = True
        if gateway.contact is not Contact.OK and gateway.reason != SILENT:
            gateway.last_good_at = now
            self._gateway(gateway, Contact.OK, now, "")

    def down(self, gateway: GatewayContact, line: LineContact, reason: str, now: float) -> None:
        """A line's link closed, or could not be opened. Closing alone is not yet a loss: it is opened again at once."""
        line.settled = False
        if reason == "reopened":
            return
        if reason == "closed":
            line.closed_in_a_row += 1
            if line.closed_in_a_row < CLOSED_IN_A_ROW:
                return
        if line.up is not False:
            line.up = False
            self._unknown(line.meters, now, reason)
        if gateway.contact is not Contact.OUT and all(other.up is False for other in gateway.lines.values()):
            self._gateway(gateway, Contact.OUT, now, reason)

    def spoke(self, gateway: GatewayContact, line: LineContact) -> None:
        """A line carried an answer: its link holds."""
        line.closed_in_a_row = 0
        line.up = True
        line.settled = gateway.contact is Contact.OK

    def joined(self, gateway: GatewayContact, line: LineContact, meter: Meter, now: float) -> None:
        """A meter came onto a line. Behind a lost gateway it is unknown from the start."""
        if (gateway.contact is Contact.OUT or line.up is False) and meter.contact is None:
            self._meter(meter, Contact.UNKNOWN, now, gateway.reason)

    def _unknown(self, meters: list[Meter], now: float, reason: str) -> None:
        for meter in meters:
            if meter.contact is not Contact.UNKNOWN:
                self._meter(meter, Contact.UNKNOWN, now, reason)

    def _meter(self, meter: Meter, contact: Contact, now: float, reason: str) -> None:
        before, meter.contact = meter.contact, contact
        if before is not None or contact is Contact.OUT:
            log.info("meter.contact", meter=meter.entry.name, contact=contact.value, reason=reason)
        last_good_ms = self._when(meter.last_good_at)
        tried = meter.station.failures
        self._outbox.contact(
            ContactChange(
                ContactKind.METER, meter.meter_id, contact.value, self._at_ms(now), last_good_ms, tried, reason
            )
        )

    def _gateway(self, gateway: GatewayContact, contact: Contact, now: float, reason: str) -> None:
        gateway.contact, gateway.reason = contact, reason
        for line in gateway.lines.values():
            line.settled = False
        log.info("gateway.contact", gateway=gateway.name, contact=contact.value, reason=reason)
        self._outbox.contact(
            ContactChange(
                ContactKind.GATEWAY,
                gateway.gateway_id,
                contact.value,
                self._at_ms(now),
                self._when(max(gateway.last_good_at, gateway.last_answer_at)),
                0,
                reason,
            )
        )

    def _when(self, moment: float) -> int:
        """Epoch milliseconds; 0 for never."""
        return 0 if moment == -inf else self._at_ms(moment)
