"""Who is polled next: living meters in chain order, round after round; silent ones by a probe that backs off.

A meter that does not answer leaves the round at its first miss and costs one probe a round from then on, less when it
stays silent. Between two probes living meters get their turn, so a line with many dead ones does not starve the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

from prewatt.field.bus.exchange import Question

OUT_AFTER = 3  # failed rounds
FIRST_PROBE_S = 5.0
LONGEST_PROBE_S = 30.0
POLLS_BETWEEN_PROBES = 4


class Station:
    """A meter as the line sees it: its questions, and how it has been answering."""

    __slots__ = ("failures", "frames", "gone", "probe_at", "questions", "step", "subject", "unit")

    def __init__(self, unit: int, questions: tuple[Question, ...], subject: Any = None) -> None:
        self.unit = unit
        self.questions = questions  # one sweep of its state: nearly always a single read
        self.subject = subject  # whose it is, for the one above
        self.failures = 0
        self.probe_at = 0.0
        self.step = 0
        self.frames: list[bytes] = []
        self.gone = False

    def restart(self) -> None:
        """Begin its questions anew."""
        self.step = 0
        self.frames = []


class Rounds:
    """The order of polling of one line. Times are site seconds."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.pause_s = pause_s
        self.round_s = 0.0  # of the last whole round
        self.stations: list[Station] = []
        self.failing: list[Station] = []
        self._place = 0
        self._started_at = -inf
        self._next_at = -inf  # no round begins before
        self._under_way = False
        self._polls_since_probe = POLLS_BETWEEN_PROBES
        self._probe_due = inf

    def set(self, stations: Iterable[Station]) -> None:
        """The meters of the line. Those that stay keep how they have been answering."""
        fresh = list(stations)
        for station in self.stations:
            station.gone = station not in fresh
        self.stations = fresh
        self.failing = [station for station in fresh if station.failures]
        self._place = min(self._place, len(fresh))
        self._note_probes()

    def hurry(self) -> None:
        """Begin the next round now: a stored reading is due."""
        self._next_at = -inf

    def next(self, now: float) -> Station | None:
        """Whose turn it is, None when nobody's."""
        if self._under_way and self._probe_due > now and self._place < len(self.stations):
            station = self.stations[self._place]
            if not station.failures:
                return station
        if self._probe_due <= now and (self._polls_since_probe >= POLLS_BETWEEN_PROBES or not self._may_poll(now)):
            return min(self.failing, key=_probe_at)
        if self._under_way:
            living = self._living()
            if living is not None:
                return living
            self._end(now)
        if not self._may_poll(now):
            return None
        self._started_at = now
        self._under_way = True
        return self._living()

    def when(self) -> float:
        """When to ask ``next`` again after it gave nobody."""
        living = len(self.failing) < len(self.stations)
        return min(self._next_at if living else inf, self._probe_due)

    def answered(self, station: Station) -> None:
        """It spoke, whatever it said to whatever was asked."""
        if station.failures:
            station.failures = 0
            self.failing = [other for other in self.failing if other is not station]
            self._note_probes()

    def polled(self, station: Station) -> None:
        """Its turn is over and it answered."""
        self._polls_since_probe += 1
        place = self._place
        if place < len(self.stations) and self.stations[place] is station:
            self._place = place + 1

    def defer(self, station: Station, until: float) -> None:
        """It cannot be asked yet: the others go on without it."""
        if station.failures:
            station.probe_at = until
            self._note_probes()
        elif self._place < len(self.stations) and self.stations[self._place] is station:
            self._place += 1

    def missed(self, station: Station, now: float) -> None:
        """Its turn is over and it did not answer."""
        if station.gone:
            return
        if not station.failures:
            self.polled(station)
            self.failing.append(station)
        else:
            self._polls_since_probe = 0
        station.failures += 1
        base = min(max(FIRST_PROBE_S, self.round_s), LONGEST_PROBE_S)
        doubled = base * 2.0 ** min(max(0, station.failures - OUT_AFTER + 1), 10)
        station.probe_at = now + min(doubled, LONGEST_PROBE_S)
        self._note_probes()

    def probe_soon(self, now: float) -> None:
        """The link is back: ask the silent ones at once, as if they had never missed."""
        for station in self.failing:
            station.probe_at = now
        self._note_probes()

    def _note_probes(self) -> None:
        self._probe_due = min((station.probe_at for station in self.failing), default=inf)

    def _may_poll(self, now: float) -> bool:
        return len(self.failing) < len(self.stations) and (self._under_way or now >= self._next_at)

    def _living(self) -> Station | None:
        """The next living meter of this round; None at its end."""
        stations = self.stations
        place = self._place
        while place < len(stations):
            if not stations[place].failures:
                self._place = place
                return stations[place]
            place += 1
        return None

    def _end(self, now: float) -> None:
        self.round_s = now - self._started_at
        self._under_way = False
        self._place = 0
        self._next_at = self._started_at + self.pause_s if self.pause_s else -inf


def _probe_at(station: Station) -> float:
    return station.probe_at
