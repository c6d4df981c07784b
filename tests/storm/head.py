"""One life of the head-end: the real one, with a store and a link that die with it.

A process that is killed does nothing more, not even tidy up. So a dead head-end's store never answers and its link
carries nothing; its tasks are then cancelled where nobody can see what they still try.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from django.db import DatabaseError

from prewatt.core.evidence import Evidence
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import (
    Batch,
    ControlTask,
    CreditTask,
    Decision,
    Found,
    GatewayEntry,
    Lease,
    LeaseLost,
    LineEntry,
    Permit,
    Refused,
    RosterData,
    StoreAway,
)  # fmt: skip
from tests.storm.arena import out_of_loop
from tests.storm.crash import StoreDied, crashing
from tests.storm.plan import Kill
from tests.storm.wire import StormLink

if TYPE_CHECKING:
    from tests.storm.world import World

WAY_S = (0.0002, 0.004)  # a verb's way to the store, and its answer's way back
AWAY_S = 0.05
ROSTER = "SELECT roster_version FROM estate_site"


class Head:
    """A head-end process."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"head-{number}"
        self.alive = True
        self.stuck_until = 0.0  # the store's answers do not reach it before then
        self.links: list[StormLink] = []
        self.store = StormStore(self)
        self._bytes: int | None = None
        self._service = HeadEnd(self.store, world.clock, holder=self.name, make_link=self._make_link)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work."""
        self.world.note("head", f"{self.name} starts")
        self._task = asyncio.get_running_loop().create_task(self._service.run())

    def die(self, why: str) -> None:
        """Killed at this very moment."""
        if not self.alive:
            return
        self.world.note("head", f"{self.name} killed at {why}")
        self.cease()
        self.world.head_died(self)

    def cease(self) -> None:
        """Be no more."""
        self.alive = False
        for link in self.links:
            link.dead = True
        if self._task is not None:
            asyncio.get_running_loop().call_soon(self._task.cancel)

    async def buried(self) -> None:
        """Wait until its tasks are gone."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def count_bytes(self, left: int) -> None:
        """It will die when so many more bytes went over its link."""
        self._bytes = left

    def bytes_left(self, _frame: bytes) -> int | None:
        """How many bytes before its death; None: no such end is near."""
        return self._bytes

    def spend(self, count: int) -> None:
        """So many bytes went over the link."""
        if self._bytes is not None:
            self._bytes -= count

    def _make_link(self, gateway: GatewayEntry, line: LineEntry) -> StormLink:
        link = StormLink(self.world, self, self.world.wire)
        link.lost = self.world.link_lost
        self.links.append(link)
        return link


@dataclass(frozen=True)
class _Fate:
    """What happens around one call of a verb."""

    kill: Kill | None = None
    crash: Any = None


@dataclass
class StormStore:
    """The four Protocols over the real verbs: one transaction at one instant, and a delay before and after it."""

    head: Head
    calls: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    work: asyncio.Event = field(default_factory=asyncio.Event)

    async def roster(self, *, known: int) -> RosterData | None:
        return await self._call("roster", known=known)

    async def lease(self, *, holder: str, take_over: bool) -> Sequence[Lease]:
        return await self._call("lease", holder=holder, take_over=take_over)

    async def ingest(self, batch: Batch) -> None:
        await self._call("ingest", batch=batch)

    async def claim(self, *, leases: Sequence[Lease], limit: int) -> Sequence[ControlTask]:
        return []  # no schedule has control orders

    async def progress(self, *, order_id: int, lease: Lease, asked: int, found: Sequence[Found]) -> bool:
        raise AssertionError("nothing was claimed")

    async def done(self, *, order_id: int, lease: Lease, outcome: str, reason: str) -> None:
        raise AssertionError("nothing was claimed")

    async def due(self, *, leases: Sequence[Lease]) -> Sequence[CreditTask]:
        return await self._call("due", leases=leases)

    async def arm(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        return await self._call("arm", order_id=order_id, lease=lease, evidence=evidence)

    async def retry(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
        return await self._call("retry", order_id=order_id, lease=lease, evidence=evidence)

    async def observe(self, *, order_id: int, lease: Lease, evidence: Evidence) -> Decision:
        return await self._call("observe", order_id=order_id, lease=lease, evidence=evidence)

    async def wait_for_work(self, *, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self.work.wait()
        except TimeoutError:
            return
        self.work.clear()

    # -- inside -----------------------------------------------------------------------------------------------------

    async def _call(self, verb: str, **arguments: Any) -> Any:
        world = self.head.world
        if not self.head.alive:
            await _for_ever()
        await asyncio.sleep(world.store_chance.uniform(*WAY_S))
        if not self.head.alive:
            await _for_ever()
        if world.now() < world.store_away_until:
            await asyncio.sleep(AWAY_S)
            raise StoreAway("storm")
        # the verbs themselves would say so, at the price of several queries a second
        if verb == "due" and not world.credit_waits():
            return []
        if verb == "roster" and arguments["known"] == world.query(ROSTER)[0][0]:
            return None
        self.calls[verb] += 1
        fate = self._fate(verb)
        if fate.kill and not fate.kill.after:
            self.head.die(f"before {verb}")
            await _for_ever()
        result, error = self._run(verb, arguments, fate.crash)
        if fate.kill:
            self.head.die(f"after {verb}")
            await _for_ever()
        await self._answer()
        if error is not None:
            raise error
        return result

    def _fate(self, verb: str) -> _Fate:
        kill = self.head.world.kill_at(verb)
        return _Fate(kill, None if kill else self.head.world.crash_at(verb))

    def _run(self, verb: str, arguments: dict[str, Any], crash: Any) -> tuple[Any, Exception | None]:
        """The transaction, at this instant."""
        world = self.head.world
        try:
            with crashing(world, crash):
                result = out_of_loop(lambda: world.verbs.call(verb, arguments))
        except LeaseLost as error:
            world.told(self.head.name, verb, arguments, f"lost {error}")
            return None, error
        except (StoreDied, DatabaseError) as error:
            world.told(self.head.name, verb, arguments, f"away {error}")
            if crash is None:
                world.complain(f"{verb}: {error!r}")
            return None, StoreAway(str(error))
        except Exception as error:  # what the store's socket would answer
            world.told(self.head.name, verb, arguments, f"failed {error!r}")
            world.complain(f"{verb}: {error!r}")
            return None, StoreAway(repr(error))
        world.told(self.head.name, verb, arguments, result)
        world.look_at_the_books()
        world.happenings.verb(verb)
        return result, None

    async def _answer(self) -> None:
        """The answer's way back."""
        self.answers += 1
        place = self.answers * 1e-6  # what was held back comes in order
        await asyncio.sleep(self.head.world.store_chance.uniform(*WAY_S))
        while self.head.world.now() < self.head.stuck_until:
            await asyncio.sleep(self.head.stuck_until - self.head.world.now() + place)
        if not self.head.alive:
            await _for_ever()


async def _for_ever() -> NoReturn:
    """Where a dead process waits until it is buried."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError
