"""One RS-485 line as a state machine without input or output: what to send next, and whose bytes these are.

It keeps the silence between frames, waits for one answer at a time, gives an answer to nobody but the question it
belongs to, rests after a time-out until the line is quiet, and lets money go first at every frame boundary. It never
sends anything twice by itself. Whoever drives it tells it the time, the bytes, and when ``due`` has come.
"""

from __future__ import annotations

import heapq
from math import inf

from fastcrc.crc16 import modbus as crc

from prewatt.field.bus.counters import Counters
from prewatt.field.bus.exchange import (
    GATEWAY_NO_RESPONSE,
    GATEWAY_PATH_UNAVAILABLE,
    Claim,
    Job,
    Outcome,
    Priority,
    Question,
    Reply,
)
from prewatt.field.bus.rounds import Rounds, Station
from prewatt.field.bus.suspects import Suspects
from prewatt.field.bus.timing import Timing
from prewatt.field.bus.watcher import Watcher
from prewatt.meters.modbus import CutKind

SETTLE_S = 0.1  # a damaged or torn answer may still be coming in pieces


class Machine:
    """The line. All times are site seconds of one monotonic clock."""

    def __init__(self, timing: Timing, watcher: Watcher, *, pause_s: float = 0.0) -> None:
        self.timing = timing
        self.rounds = Rounds(pause_s)
        self.counters = Counters()
        self.due = inf  # when to call on_due
        self.waiting = False  # an answer is outstanding
        self.answer_length = 0  # of the last question sent
        self.up = False
        self.polling = False  # leave to poll: the gateway's lease is ours
        self.tapped = False
        self._watcher = watcher
        self._silence = timing.silence_s
        self._free_at = 0.0  # the line is quiet long enough from here on
        self._question: Question | None = None
        self._job: Job | None = None
        self._station: Station | None = None
        self._sent_at = 0.0
        self._held = bytearray()
        self._damaged = False
        self._stranger = False
        self._jobs: list[tuple[int, int, Job | Claim]] = []
        self._number = 0
        self._claim: Claim | None = None
        self._suspects = Suspects()

    # -- orders from above ------------------------------------------------------------------------------------------

    def submit(self, item: Job | Claim) -> None:
        """Queue a question, or a claim on the whole line. With the link down it ends at once."""
        if not self.up:
            self._refuse(item)
            return
        self._number += 1
        heapq.heappush(self._jobs, (item.priority, self._number, item))

    def ask(self, claim: Claim, job: Job) -> None:
        """Ask within a claim that was granted."""
        if self._claim is not claim or not self.up:
            job.done(Reply(Outcome.CLOSED))
            return
        assert claim.job is None, "one question at a time"
        claim.job = job

    def rest(self, claim: Claim, now: float, seconds: float) -> None:
        """Leave the line silent for so long before the claim's next question."""
        claim.rest_until = now + seconds

    def release(self, claim: Claim) -> None:
        """Give the line back, or withdraw a claim that still waits."""
        if self._claim is claim:
            self._claim = None
        else:
            self._jobs = [entry for entry in self._jobs if entry[2] is not claim]
            heapq.heapify(self._jobs)

    @property
    def asked(self) -> tuple[Question, int, bool] | None:
        """The question that is outstanding, how urgent it is, and whether the line is held for more."""
        if self._question is None:
            return None
        return self._question, self._job.priority if self._job else Priority.POLL, self._claim is not None

    @property
    def claimed(self) -> bool:
        """Whether somebody has the whole line."""
        return self._claim is not None

    # -- the link ---------------------------------------------------------------------------------------------------

    def link_up(self, now: float) -> None:
        """The link opened."""
        self.up = True
        self._free_at = now + self._silence
        self.rounds.probe_soon(now)

    def link_down(self) -> None:
        """The link is gone: whatever was asked has no answer, whatever waited is given back."""
        self.up = False
        job, self._job = self._job, None
        self._clear()
        jobs, self._jobs = self._jobs, []
        claim, self._claim = self._claim, None
        self.due = inf
        if job is not None:
            job.done(Reply(Outcome.CLOSED))
        if claim is not None:
            asked, claim.job = claim.job, None
            if asked is not None:  # it waited for the quiet after a money frame
                asked.done(Reply(Outcome.CLOSED))
            claim.lost()
        for _, _, item in jobs:
            self._refuse(item)

    # -- time and bytes ---------------------------------------------------------------------------------------------

    def next_frame(self, now: float) -> bytes | None:
        """What to send now. None: nothing before ``due``."""
        if self.waiting or not self.up:
            return None
        if now < self._free_at:
            self.due = self._free_at
            return None
        if self._jobs or self._claim is not None:
            job = self._next_job(now)
            if job is not None:
                self._job = job
                return self._send(job.question, now)
        if self._claim is None and self.polling:
            station = self.rounds.next(now)
            if station is not None and self._suspects.owed:
                station = self._unsuspected(station, now)
                if station is None:
                    return None
            if station is not None:
                self._station = station
                return self._send(station.questions[station.step], now)
        # never "now": whatever has nothing to send now must not be asked again and again
        self.due = max(self._when(now), now + self._silence)
        return None

    def on_bytes(self, now: float, data: bytes) -> None:
        """Bytes came in."""
        question = self._question
        if question is None:
            # nothing was asked: a late answer or noise; stay quiet until it is over
            self._stray(now, data)
            return
        if not self._held and len(data) == question.length and data.startswith(question.head) and not crc(data):
            station = self._station
            if station is None or station.failures or self.tapped or len(station.questions) > 1:
                self._answered(now, Reply(Outcome.ANSWER, data[2 if question.write else 3 : -2], 0, data))
                return
            # nearly every poll ends here
            self._question = self._station = None
            self.waiting = self._damaged = self._stranger = False
            self._free_at = self.due = now + self._silence
            counters = self.counters
            took = now - self._sent_at
            counters.exchanges += 1
            counters.busy_s += took
            counters.latencies.append(took)
            self.rounds.polled(station)
            self._watcher.polled(station, [data], now)
            return
        self._held += data
        self._search(now, question, final=False)

    def on_due(self, now: float) -> None:
        """``due`` has come: the answer is missing. (With nothing outstanding, ask next_frame.)"""
        question = self._question
        if question is None or now < self.due:
            return
        if self._held:
            self._search(now, question, final=True)
            if self._question is None:
                return
        self._missing(now, question)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _next_job(self, now: float) -> Job | None:
        """The job whose turn it is, if any; a claim is granted on the way and asks within the same boundary."""
        while True:
            claim = self._claim
            if claim is not None:
                job = claim.job
                if job is None or now < claim.rest_until:
                    return None
                if self._suspects.owed and self._suspects.clear_at(job.question, now) > now:
                    return None
                claim.job = None
                return self._allowed(job)
            entry = self._first_job(now)
            if entry is None:
                return None
            item = entry[2]
            if isinstance(item, Claim):
                self._claim = item
                item.granted()
            elif self._allowed(item) is not None:
                return item

    def _first_job(self, now: float) -> tuple[int, int, Job | Claim] | None:
        """Take the first job off the queue whose answer cannot be mistaken for one still owed."""
        jobs = self._jobs
        if not jobs:
            return None
        if not self._suspects.owed:
            return heapq.heappop(jobs)
        for entry in sorted(jobs):
            item = entry[2]
            if isinstance(item, Claim) or self._suspects.clear_at(item.question, now) <= now:
                jobs.remove(entry)
                heapq.heapify(jobs)
                return entry
        return None

    def _unsuspected(self, first: Station, now: float) -> Station | None:
        """The next station whose answer cannot be mistaken for one still owed; ``due`` is set when there is none."""
        station: Station | None = first
        soonest = inf
        for _ in range(len(self.rounds.stations) + 1):
            if station is None:
                break
            clear_at = self._suspects.clear_at(station.questions[station.step], now)
            if clear_at <= now:
                return station
            soonest = min(soonest, clear_at)
            self.rounds.defer(station, clear_at)
            station = self.rounds.next(now)
        when = self._when(now)
        # for those deferred it would be "now": only moments to come count
        self.due = min(soonest, when if when > now else inf)
        return None

    def _allowed(self, job: Job) -> Job | None:
        """The job, unless its guard takes back leave at the last moment before the first byte."""
        if job.guard is None or job.guard():
            return job
        job.done(Reply(Outcome.WITHHELD))
        return None

    def _when(self, now: float) -> float:
        claim = self._claim
        if claim is not None:
            if claim.job is None:
                return inf
            return max(claim.rest_until, self._suspects.clear_at(claim.job.question, now))
        due = self.rounds.when() if self.polling else inf
        for _, _, item in self._jobs:
            if isinstance(item, Job):
                due = min(due, self._suspects.clear_at(item.question, now))
        return due

    def _send(self, question: Question, now: float) -> bytes:
        self._question = question
        self.answer_length = question.length
        self.waiting = True
        self._sent_at = now
        self.due = now + question.timeout_s
        if self.tapped:
            self._watcher.frame("tx", question.frame, "")
        return question.frame

    def _search(self, now: float, question: Question, *, final: bool) -> None:
        """Look for the answer among what came since the question."""
        while True:
            found = question.framing.cut(question.frame, self._held, final=final)
            piece = bytes(self._held[: found.consumed])
            del self._held[: found.consumed]
            if found.kind is CutKind.INCOMPLETE:
                return
            answer = found.answer
            if found.kind is CutKind.ANSWER and answer is not None:
                raw = question.framing.raw(question.frame, piece, answer)
                if answer.exception:
                    self._excepted(now, question, answer.exception, raw)
                else:
                    self._answered(now, Reply(Outcome.ANSWER, answer.body, 0, raw))
                return
            if found.kind is CutKind.FOREIGN:
                self._stranger = True
                self.counters.foreign += 1
                if self.tapped:
                    self._watcher.frame("rx", piece, "foreign")
            else:
                self._damaged = True
                # the rest of the wait is for an answer that came already, in pieces that do not fit
                self.due = min(self.due, now + self._silence + SETTLE_S)

    def _answered(self, now: float, reply: Reply) -> None:
        counters = self.counters
        counters.took(now - self._sent_at)
        if self.tapped:
            self._watcher.frame("rx", reply.raw, "")
        job, station = self._job, self._station
        self._clear()
        self._free_at = self.due = now + self._silence
        if station is None:
            if job is not None:
                self._job = None
                job.done(reply)
            return
        if station.failures:
            self.rounds.answered(station)
        if len(station.questions) == 1:
            self.rounds.polled(station)
            self._watcher.polled(station, [reply.raw], now)
            return
        station.frames.append(reply.raw)
        self._step(station, reply, now)

    def _step(self, station: Station, reply: Reply, now: float) -> None:
        """One of several questions is through; a block that the model does not have leaves a gap, not a failure."""
        station.step += 1
        if station.step < len(station.questions):
            return
        frames = station.frames
        station.restart()
        self.rounds.polled(station)
        if any(frames):
            self._watcher.polled(station, frames, now)
        else:
            self._watcher.refused(station, reply, now)

    def _excepted(self, now: float, question: Question, code: int, raw: bytes) -> None:
        if code in (GATEWAY_NO_RESPONSE, GATEWAY_PATH_UNAVAILABLE):
            self._missing(now, question)
            return
        self.counters.took(now - self._sent_at)
        self.counters.exceptions += 1
        if self.tapped:
            self._watcher.frame("rx", raw, f"exception {code:02X}")
        job, station = self._job, self._station
        self._clear()
        self._free_at = self.due = now + self._silence
        reply = Reply(Outcome.REFUSED, b"", code, raw)
        if station is not None:
            if station.failures:
                self.rounds.answered(station)
            station.frames.append(b"")
            self._step(station, reply, now)
        elif job is not None:
            self._job = None
            job.done(reply)

    def _missing(self, now: float, question: Question) -> None:
        """No answer. The line rests until it is quiet; the same question is nobody's to repeat but the one above."""
        outcome = Outcome.CRC if self._damaged else Outcome.FOREIGN if self._stranger else Outcome.TIMEOUT
        self.counters.lost(now - self._sent_at, outcome)
        if self.tapped:
            self._watcher.frame("note", bytes(self._held), outcome.value)
        self._suspects.add(question, now)
        torn = bool(self._held) or self._damaged
        job, station = self._job, self._station
        self._clear()
        self._free_at = self.due = now + self._silence + (SETTLE_S if torn else 0.0)
        if station is not None:
            station.restart()
            self.rounds.missed(station, now)
            self._watcher.missed(station, outcome, now)
        elif job is not None:
            self._job = None
            job.done(Reply(outcome))

    def _stray(self, now: float, data: bytes) -> None:
        self.counters.foreign += 1
        self._free_at = max(self._free_at, now + self._silence)
        if self.tapped:
            self._watcher.frame("rx", data, "late")

    def _clear(self) -> None:
        if self._station is not None and not self.up:
            self._station.restart()
        self._question = None
        self._station = None
        self.waiting = False
        self._damaged = self._stranger = False
        if self._held:
            self._held.clear()

    @staticmethod
    def _refuse(item: Job | Claim) -> None:
        if isinstance(item, Claim):
            item.lost()
        else:
            item.done(Reply(Outcome.CLOSED))
