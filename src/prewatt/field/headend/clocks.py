"""Meters' own clocks, compared with the site's once a day and set where the standard defines how.

DL/T 645-2007 meters are asked for date and time and set by its broadcast (C = 08), which moves a clock by five minutes
at most and is taken once a day. A line is set only when one of its clocks is off enough and none would be moved near a
boundary of its tariffs. The other models tell their clock with each poll; no register for setting it is known, so their
drift is only shown.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

import structlog

from prewatt.core.clock import Clock
from prewatt.core.meterclock import WRONG_S, drift_s, may_set, worth_setting
from prewatt.field.bus.exchange import Outcome, Priority, Question
from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.line import Line
from prewatt.field.headend.plant import Plant
from prewatt.meters import dlt645
from prewatt.meters.dlt645_orders import broadcast_time
from prewatt.meters.framing import DLT645

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 120.0
CHECK_EVERY_S = 86_400.0
DATE, TIME = 0x04000101, 0x04000102  # items: YYMMDDWW and hhmmss, low byte first
ANSWER_LENGTH = 24


class Clocks:
    """Looks after the clocks of all lines that are polled here."""

    def __init__(self, plant: Plant, clock: Clock) -> None:
        self.zone: ZoneInfo | None = None  # until the roster tells it nothing is set
        self.drifts: dict[int, int] = {}  # meter: seconds, as last measured here
        self._plant = plant
        self._clock = clock
        self._checked_at: dict[int, float] = {}

    async def look(self) -> None:
        """Check the lines whose day is over, if now is a moment at which clocks may be set."""
        for line in list(self._plant.lines.values()):
            if self.zone is None or line.polled_there or not (line.machine.up and line.machine.polling):
                continue
            if self._clock.monotonic() - self._checked_at.get(line.entry.line_id, -inf) < CHECK_EVERY_S:
                continue
            meters = [meter for meter in line.meters.values() if _settable(meter) and not meter.station.failures]
            if meters and self._moment(self.zone):
                self._checked_at[line.entry.line_id] = self._clock.monotonic()
                await self._check(line, meters, self.zone)

    def _moment(self, zone: ZoneInfo) -> bool:
        at = self._clock.now()
        return may_set(WRONG_S, at, zone) and may_set(-WRONG_S, at, zone)

    async def _check(self, line: Line, meters: list[Meter], zone: ZoneInfo) -> None:
        drifts = {meter: drift for meter in meters if (drift := await self._drift(line, meter, zone)) is not None}
        self.drifts |= {meter.meter_id: drift for meter, drift in drifts.items()}
        for meter, drift in drifts.items():
            if abs(drift) > WRONG_S:
                log.warning("clock.wrong", meter=meter.entry.name, seconds=drift)
        if not any(worth_setting(drift) for drift in drifts.values()) or not self._moment(zone):
            return
        civil = (self._clock.now() + timedelta(seconds=_half_way(line))).astimezone(zone).replace(tzinfo=None)
        frame = broadcast_time(civil)
        await line.bus.ask(Priority.SETTINGS, Question(frame, line.timing, "clock", DLT645))
        log.info("clock.set", line=line.entry.name, meters=len(drifts))

    async def _drift(self, line: Line, meter: Meter, zone: ZoneInfo) -> int | None:
        """Seconds the meter is ahead; None when it does not say."""
        assert isinstance(meter.unit, str)
        items: list[bytes] = []
        for item in (DATE, TIME, DATE):
            frame = dlt645.read_request(meter.unit, item)
            question = Question(frame, line.timing, "clock", DLT645, ANSWER_LENGTH)
            reply = await line.ask(meter, Priority.SETTINGS, question)
            if reply.outcome is not Outcome.ANSWER:
                return None
            items.append(DLT645.body(reply.raw))
            if item == TIME:
                at = self._clock.now()
        date, time, after = items
        if date != after:
            return None  # midnight passed between the two
        shown = _shown(date, time)
        return None if shown is None else drift_s(shown, at, zone)


def _settable(meter: Meter) -> bool:
    return meter.profile.codec == "dlt645" and isinstance(meter.unit, str)


def _half_way(line: Line) -> float:
    """The time stands in a frame that takes a while to travel."""
    return line.timing.wire_s(ANSWER_LENGTH)


def _shown(date: bytes, time: bytes) -> int | None:
    """Date and time items as if UTC, epoch seconds; None when they make no sense."""
    try:
        day, month, year = (int(f"{byte:02x}") for byte in date[1:4])
        second, minute, hour = (int(f"{byte:02x}") for byte in time[:3])
        return round(datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        return None
