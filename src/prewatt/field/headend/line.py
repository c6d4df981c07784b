"""One line at work: polls go to the outbox, contact is judged, other questions are asked in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import inf

import structlog

from prewatt.core.supply import Contact
from prewatt.field.bus.driver import Bus, Hold
from prewatt.field.bus.exchange import Guard, Outcome, Priority, Question, Reply
from prewatt.field.bus.machine import Machine
from prewatt.field.bus.rounds import Station
from prewatt.field.bus.timing import Timing
from prewatt.field.headend.contact import Contacts, GatewayContact, LineContact
from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.outbox import Outbox
from prewatt.field.headend.sitetime import SiteTime
from prewatt.field.headend.store import FrameRecord, GatewayEntry, IdentitySeen, LineCounters, LineEntry, MeterEntry
from prewatt.field.headend.tunnel import EXTRA_S, OWN_KIND
from prewatt.meters.registry import UnknownProfile
from prewatt.meters.row import EMPTY_ROW, KEEP_ONLY, ROW
from prewatt.meters.shape import ProfileError

log = structlog.get_logger(__name__)

OK = Contact.OK
CHORES_EVERY_S = 86_400.0
CHORES_AGAIN_S = 60.0  # after they went unanswered
HEARD_LATELY_S = 600.0
REPORT_AGE_S = 400 * 86_400.0  # a manager keeps months of readings
REPORT_AHEAD_S = 300.0


class Line:
    """A line of the roster, its meters and its bus. The bus is given by ``attach``, once the link exists."""

    def __init__(
        self, entry: LineEntry, gateway: GatewayEntry, contact: GatewayContact, contacts: Contacts, outbox: Outbox,
        time: SiteTime,
    ) -> None:  # fmt: skip
        self.entry = entry
        self.gateway = gateway
        self.gateway_contact = contact
        self.contact = LineContact()
        self.meters: dict[int, Meter] = {}
        self.polled_there = gateway.kind == OWN_KIND  # by the gateway itself; we only ask through it
        self.timing = Timing.of(entry.baud, entry.parity)
        if self.polled_there:
            self.timing = replace(self.timing, reply_timeout_s=self.timing.reply_timeout_s + EXTRA_S)
        self.machine = Machine(self.timing, self, pause_s=entry.sweep_pause_s)
        self.bus: Bus
        self.on_contact: Callable[[Meter], None] = lambda _meter: None
        self._contacts = contacts
        self._outbox = outbox
        self._heard = outbox.states
        self._time = time
        self._counted_at = time.now()
        self._next_boundary = -inf
        contact.lines[entry.line_id] = self.contact

    def attach(self, bus: Bus) -> None:
        """The way to the wire."""
        self.bus = bus

    def update(self, entry: LineEntry, inherited: dict[int, Meter]) -> None:
        """Take the line as the roster has it now. Meters that stay keep all that is known of them."""
        kept: dict[int, Meter] = {}
        for each in entry.meters:
            meter = self._meter(each, inherited)
            if meter is not None:
                kept[each.meter_id] = meter
        gone = [meter for meter_id, meter in self.meters.items() if kept.get(meter_id) is not meter]
        self._outbox.forget(gone)
        self.entry = entry
        self.meters = kept
        self.contact.meters = list(kept.values())
        self.machine.tapped = entry.log_frames and not self.polled_there
        self.machine.rounds.pause_s = entry.sweep_pause_s
        self.machine.rounds.set(meter.station for meter in kept.values())
        now = self._time.now()
        for meter in kept.values():
            self._contacts.joined(self.gateway_contact, self.contact, meter, now)

    def close(self) -> None:
        """The line left the roster."""
        self._outbox.forget(self.meters.values())
        self.gateway_contact.lines.pop(self.entry.line_id, None)

    # -- what the bus hears -------------------------------------------------------------------------------------------

    def polled(self, station: Station, frames: list[bytes], now: float) -> None:
        meter: Meter = station.subject
        if station.gone:
            return
        meter.frames = frames
        meter.polled_at = now
        if now >= meter.store_at:
            meter.store_at = self._time.boundary_after(now, meter.entry.read_interval_s)
            self._outbox.keep(meter)
        else:
            self._heard[meter.meter_id] = meter
        if meter.contact is OK and self.contact.settled and meter.first_missed_at == inf:
            # nearly always: nothing changed
            meter.last_good_at = self.gateway_contact.last_answer_at = now
        else:
            self._spoke(meter, now)
        if now >= meter.chores_at:
            self._do_chores(meter, now)

    def refused(self, station: Station, _reply: Reply, now: float) -> None:
        meter: Meter = station.subject
        if not station.gone:
            self._spoke(meter, now)

    def missed(self, station: Station, outcome: Outcome, now: float) -> None:
        meter: Meter = station.subject
        if not station.gone:
            self._contacts.missed(self.gateway_contact, meter, outcome, now)

    def frame(self, direction: str, data: bytes, note: str) -> None:
        at_ms = self._time.at_ms(self._time.now())
        self._outbox.frame(FrameRecord(self.entry.line_id, at_ms, direction, data, note))

    def link_changed(self, up: bool, reason: str) -> None:
        """The link opened, closed, or could not be opened."""
        now = self._time.now()
        if up:
            self._contacts.up(self.gateway_contact, self.contact, now)
        else:
            self._contacts.down(self.gateway_contact, self.contact, reason, now)

    def reported(self, address: int, energies: Mapping[str, int], at_ms: int) -> None:
        """Energies that a manager measured by itself, perhaps long ago: kept as a reading.

        They are the meter's state only when we do not hear it ourselves. A clock that is far off says nothing.
        """
        now = self._time.now()
        ahead_s = at_ms / 1000 - self._time.at_ms(now) / 1000
        meter = next((one for one in self.meters.values() if one.entry.address == address), None)
        if meter is None or not -REPORT_AGE_S < ahead_s < REPORT_AHEAD_S:
            return
        store = KEEP_ONLY if now - meter.polled_at < HEARD_LATELY_S else 1
        row = EMPTY_ROW._replace(meter_id=meter.meter_id, at_ms=at_ms, store=store, **energies)
        self._outbox.fact(ROW.pack(*row))

    # -- asked from outside the round ---------------------------------------------------------------------------------

    async def ask(self, meter: Meter, priority: Priority, question: Question, guard: Guard | None = None) -> Reply:
        """Ask a meter one question at the next frame boundary that its priority gets."""
        reply = await self.bus.ask(priority, question, guard)
        self._note(meter, reply)
        return reply

    async def ask_held(self, hold: Hold, meter: Meter, question: Question, guard: Guard | None = None) -> Reply:
        """Ask a meter one question while the line is held."""
        reply = await hold.ask(question, guard)
        self._note(meter, reply)
        return reply

    async def read_state(self, meter: Meter, priority: Priority) -> Outcome:
        """Read a meter's state in front of the round; it goes to the outbox as any poll does."""
        frames: list[bytes] = []
        reply = Reply(Outcome.WITHHELD)
        for question in meter.state:
            reply = await self.ask(meter, priority, question)
            if not reply.answered:
                return reply.outcome
            frames.append(reply.raw if reply.outcome is Outcome.ANSWER else b"")
        if not any(frames):
            return reply.outcome
        if self.meters.get(meter.entry.meter_id) is meter:
            self.polled(meter.station, frames, self._time.now())
            self.bus.kick()
        return Outcome.ANSWER

    # -- from time to time --------------------------------------------------------------------------------------------

    def hurry_when_due(self, now: float) -> None:
        """With a pause between rounds: begin one when a stored reading is due."""
        if not self.entry.sweep_pause_s or now < self._next_boundary or not self.meters:
            return
        intervals = {meter.entry.read_interval_s for meter in self.meters.values()}
        self._next_boundary = min(self._time.boundary_after(now, interval) for interval in intervals)
        self.machine.rounds.hurry()
        self.bus.kick()

    def report(self, now: float) -> None:
        """Hand over the counters since the last report."""
        if self.polled_there:
            return
        counters = self.machine.counters
        seconds = max(now - self._counted_at, 0.001)
        self._counted_at = now
        self._outbox.counted(
            LineCounters(
                self.entry.line_id, self._time.at_ms(now), counters.exchanges, counters.timeouts, counters.crc_errors,
                counters.foreign, counters.exceptions, min(1000, round(1000 * counters.busy_s / seconds)),
                counters.percentile_ms(50), counters.percentile_ms(95), round(self.machine.rounds.round_s * 1000),
            )
        )  # fmt: skip
        counters.clear()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _meter(self, entry: MeterEntry, inherited: dict[int, Meter]) -> Meter | None:
        known = self.meters.get(entry.meter_id)
        if known is not None and known.fits(entry):
            if known.entry.read_interval_s != entry.read_interval_s:
                known.store_at = self._time.boundary_after(self._time.now(), entry.read_interval_s)
            known.entry = entry
            return known
        try:
            meter = Meter(entry, self.timing)
            _carried(meter, self.gateway)
        except (UnknownProfile, ProfileError, ValueError) as error:
            log.warning("meter.unusable", meter=entry.name, why=str(error))
            return None
        before = inherited.get(entry.meter_id) or known
        if before is not None:
            meter.inherit(before)
        return meter

    def _note(self, meter: Meter, reply: Reply) -> None:
        if reply.answered and self.meters.get(meter.entry.meter_id) is meter:
            self.machine.rounds.answered(meter.station)
            self._spoke(meter, self._time.now())

    def _spoke(self, meter: Meter, now: float) -> None:
        was_out = meter.station.failures or meter.first_missed_at != inf
        self._contacts.answered(self.gateway_contact, meter, now)
        self._contacts.spoke(self.gateway_contact, self.contact)
        if was_out:
            self.on_contact(meter)

    def _do_chores(self, meter: Meter, now: float) -> None:
        """Ask identity and total in between; answers may be refused, then the meter has none."""
        questions = meter.chores
        meter.chores_at = now + CHORES_EVERY_S
        if questions:
            _Chores(self, meter, questions).begin()

    def learned(self, meter: Meter, bodies: dict[str, bytes]) -> None:
        """Identity and total as the meter showed them just now."""
        if self.meters.get(meter.entry.meter_id) is not meter:
            return
        serial = meter.learn(bodies)
        if meter.frames:
            self._outbox.heard(meter)
        if serial is not None and serial != meter.serial:
            meter.serial = serial
            seen_ms = self._time.at_ms(self._time.now())
            self._outbox.identity(IdentitySeen(meter.entry.meter_id, serial, seen_ms))

    def chores_failed(self, meter: Meter) -> None:
        """It fell silent before it had answered all."""
        meter.chores_at = self._time.now() + CHORES_AGAIN_S

    def submit(self, meter: Meter, question: Question, done: Callable[[Reply], None]) -> None:
        """Ask at the pace of polling, without a coroutine."""

        def noted(reply: Reply) -> None:
            self._note(meter, reply)
            done(reply)

        self.bus.submit(Priority.POLL, question, noted)


def _carried(meter: Meter, gateway: GatewayEntry) -> None:
    """Raises ValueError when the gateway cannot carry the meter's frames."""
    if gateway.kind == "modbus-tcp" and "mbap" not in meter.profile.framing:
        raise ValueError(f"a Modbus TCP gateway does not carry frames of {meter.profile.name}")


class _Chores:
    """The daily questions to one meter, one after the other."""

    def __init__(self, line: Line, meter: Meter, questions: Iterable[Question]) -> None:
        self._line = line
        self._meter = meter
        self._left = list(questions)
        self._bodies: dict[str, bytes] = {}

    def begin(self) -> None:
        """Ask the first."""
        self._line.submit(self._meter, self._left[0], self._answered)

    def _answered(self, reply: Reply) -> None:
        if not reply.answered:
            self._line.chores_failed(self._meter)
            return
        question = self._left.pop(0)
        if reply.outcome is Outcome.ANSWER:
            self._bodies[question.name] = reply.body
        if self._left:
            self.begin()
        else:
            self._line.learned(self._meter, self._bodies)
