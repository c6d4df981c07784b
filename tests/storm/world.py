"""One schedule, lived: actors, troubles and the head-end in virtual time, with a trace of all that happened."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from prewatt.core.clock import SteppedClock
from prewatt.core.evidence import Evidence
from prewatt.field.simulator.chance import stream
from prewatt.main.verbs import Verbs
from prewatt.office.vending import invariants
from tests.storm.arena import SERIALS, START, Arena, out_of_loop
from tests.storm.cashiers import Cashier
from tests.storm.happenings import Happenings
from tests.storm.head import Head
from tests.storm.meters import Applied, StormMeter
from tests.storm.plan import Crash, Kill, Schedule
from tests.storm.wire import Wire

SETTLED_WITHIN_S = 900.0  # of the moment when the faults stop
TAIL_S = 3.0
CAREFUL_EVERY = 50
WAITING = """SELECT 1 FROM vending_creditorder WHERE (state IN ('queued', 'unknown')
 OR (state = 'refused' AND due_at IS NOT NULL)) AND (due_at IS NULL OR due_at <= %s) LIMIT 1"""
OPEN = """SELECT o.state, o.meter_id, o.due_at IS NOT NULL, o.reason,
 EXISTS (SELECT 1 FROM vending_purse p WHERE p.meter_id = o.meter_id AND p.stop_reason <> '')
 FROM vending_creditorder o WHERE o.state IN ('queued', 'unknown', 'refused')"""
ATTEMPTS = """SELECT count(*) FROM vending_attempt a JOIN vending_creditorder o ON o.id = a.order_id
 WHERE o.meter_id = %s AND a.n = %s AND a.amount = %s"""


class StormClock(SteppedClock):
    """Virtual time whose wall clock can be set."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self.jumped = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.jumped


class World:
    """Everything of one schedule."""

    def __init__(self, arena: Arena, schedule: Schedule) -> None:
        self.arena = arena
        self.loop: asyncio.AbstractEventLoop
        self.schedule = schedule
        self.clock = StormClock(START)
        self.now = self.clock.monotonic
        self.verbs = Verbs(self.clock)
        self.trace: list[str] = []
        self.complaints: list[str] = []
        self.counts: Counter[str] = Counter()
        self.store_chance = self.chance("store")
        self.store_away_until = 0.0
        self.link_lost = False
        self.calm = False
        # the truth
        self.truth: list[Applied] = []
        self.causes: list[set[str]] = [set(), set()]
        self.started = [StormMeter(serial, place + 1, int(START.timestamp() * 1000), schedule.opening[place],
                                   schedule.load_w, self._applied) for place, serial in enumerate(SERIALS)]  # fmt: skip
        self.meters = list(self.started)  # every meter that ever was here
        self.wire = Wire(self, self.started, schedule.rules, self.chance("wire"))
        # actors
        self.heads: list[Head] = []
        self._kills = [[kill, kill.nth] for kill in schedule.kills]
        self._crashes = [[crash, crash.nth] for crash in schedule.crashes]
        self._frames: Counter[tuple[int, int, int]] = Counter()
        self.happenings = Happenings(self)
        self.cashiers = [Cashier(self, number) for number in range(2)]

    def chance(self, actor: str) -> Any:
        """A random stream of that actor's own."""
        return stream("storm", self.schedule.seed, actor)

    # -- living -----------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Live the schedule until all is settled, or should be."""
        self.loop = loop = asyncio.get_running_loop()
        self.start_head()
        tills = [loop.create_task(cashier.work()) for cashier in self.cashiers]
        for kill in self.schedule.kills:
            if kill.at is not None:
                loop.call_at(kill.at, self._kill_now, kill)
        self.happenings.begin()
        while self.now() < self.schedule.calm_at and not (all(till.done() for till in tills) and self._nothing_more()):
            await asyncio.sleep(min(1.0, self.schedule.calm_at - self.now()))
        self._calm()
        await asyncio.gather(*tills)
        deadline = self.now() + SETTLED_WITHIN_S
        while self.now() < deadline:
            await asyncio.sleep(0.5)
            if self._quiet() and not self.unsettled():
                break
        self.note("end", f"settled {self.now() < deadline}")
        for head in self.heads:
            head.cease()
        for head in self.heads:
            await head.buried()

    def _quiet(self) -> bool:
        """Nothing is under way, and somebody lives to see to it."""
        return bool(self.living()) and self.now() > self.wire.busy_until + TAIL_S

    def _nothing_more(self) -> bool:
        """All is settled before the faults stop, and none of them can come any more."""
        coming = [kill.at or 0.0 for kill in self.schedule.kills] + [head.stuck_until for head in self.living()]
        coming += [one.when.at + one.for_s for one in self.schedule.happenings if not (one.when.money or one.when.verb)]
        return self.now() > max(coming, default=0.0) + TAIL_S and self._quiet() and not self.unsettled()

    def _calm(self) -> None:
        self.note("calm", "")
        self.calm = True
        self.store_away_until = 0.0
        self._kills.clear()
        self._crashes.clear()
        self.wire.calm()
        self.happenings.calm()
        for head in self.heads:
            head.stuck_until = 0.0

    def start_head(self) -> Head:
        """A new life of the head-end."""
        head = Head(self, len(self.heads) + 1)
        self.heads.append(head)
        head.start()
        return head

    def living(self) -> list[Head]:
        """Those that are not dead."""
        return [head for head in self.heads if head.alive]

    def head_died(self, _head: Head) -> None:
        """The supervisor starts it again."""
        pause = next((kill.back_after for kill, left in self._kills if left <= 0), 1.0)
        asyncio.get_running_loop().call_later(pause, self.start_head)

    def poke(self) -> None:
        """There is work."""
        for head in self.living():
            head.store.work.set()

    def _kill_now(self, kill: Kill) -> None:
        if not self.calm and self.living():
            for entry in self._kills:
                if entry[0] is kill:
                    entry[1] = 0
            self.living()[-1].die("a moment")

    # -- what the actors ask ------------------------------------------------------------------------------------------

    def kill_at(self, verb: str) -> Kill | None:
        """Whether the head-end dies at this call."""
        return self._strike(self._kills, verb)

    def crash_at(self, verb: str) -> Crash | None:
        """Whether the store dies in this call."""
        return self._strike(self._crashes, verb)

    @staticmethod
    def _strike(entries: list[list[Any]], verb: str) -> Any:
        for entry in entries:
            if entry[0].verb == verb and entry[1] > 0:
                entry[1] -= 1
                if entry[1] == 0:
                    return entry[0]
        return None

    def money_frame(self, place: int, n: int, amount: int) -> None:
        """A whole credit frame leaves: it must have been permitted, and what waits for it begins."""
        key = (self.arena.people.meters[place], n, amount)
        self._frames[key] += 1
        if self._frames[key] > self.query(ATTEMPTS, key)[0][0]:
            self.complain(f"I5 a frame without an attempt: meter {key[0]} n {n} amount {amount}")
        for entry in self._kills:
            if entry[0].byte is not None and entry[1] > 0:
                entry[1] -= 1
                if entry[1] == 0 and self.living():
                    self.living()[-1].count_bytes(entry[0].byte)
        self.happenings.money(place, self.wire.money_sent[place])

    def credit_waits(self) -> bool:
        """What ``work_waiting`` of vending asks, without the ORM."""
        return bool(self.query(WAITING, [self.clock.now().replace(tzinfo=None).isoformat(" ")]))

    def unsettled(self) -> list[str]:
        """Orders that must still change. One that waits behind a stopped purse or a stranger waits for persons."""
        return [
            f"{state} {reason}"
            for state, meter_id, due, reason, stopped in self.query(OPEN)
            if not (state == "queued" and self.causes[meter_id - 1] and (stopped or reason == "other-serial"))
            and not (state == "refused" and not due)
        ]

    def query(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """Plain SQL, in no transaction."""
        connection = self.arena.connection
        if connection.connection is None:
            out_of_loop(connection.ensure_connection)
        return connection.connection.execute(sql.replace("%s", "?"), parameters).fetchall()

    def cause(self, place: int, word: str) -> None:
        """Something was done to a meter that may end in quarantine."""
        self.causes[place].add(word)

    def look_at_the_books(self) -> None:
        """The invariants after a step; of every n-th schedule, because they cost more than the step."""
        if self.schedule.seed % CAREFUL_EVERY == 0:
            for finding in out_of_loop(invariants.check):
                self.complain(finding)

    # -- what happened ------------------------------------------------------------------------------------------------

    @property
    def truth_count(self) -> int:
        return len(self.truth)

    def _applied(self, applied: Applied) -> None:
        self.truth.append(applied)
        self.note("meter", f"{applied}")

    def note(self, actor: str, text: str) -> None:
        """A line of the trace."""
        self.counts[actor] += 1
        self.trace.append(f"{self.now():.6f} {actor} {text}")

    def told(self, head: str, verb: str, arguments: dict[str, Any], result: Any) -> None:
        """A verb and what came of it."""
        shown = {name: brief(value) for name, value in arguments.items()}
        self.note(head, f"{verb} {shown} -> {brief(result)}")

    def complain(self, text: str) -> None:
        """Something that must never happen."""
        self.note("complaint", text)
        self.complaints.append(text)

    def digest(self) -> str:
        """The trace as one number."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()


def brief(value: Any) -> str:
    """A value for the trace."""
    if isinstance(value, Evidence):
        return f"E({value.serial} {value.count} {value.total} {value.remaining} {value.refused} {value.at:.3f})"
    if type(value).__name__ == "Batch":
        return f"Batch({len(value.rows)} {value.contacts} {value.identities})"
    if type(value).__name__ == "RosterData":
        return "roster"
    return str(value)
