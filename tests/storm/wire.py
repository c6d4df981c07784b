"""The line of the storm: a simulated one, and what becomes of each frame on the way there and back."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from prewatt.field.links.base import LinkUser
from prewatt.field.simulator.faults import Faults
from prewatt.field.simulator.line import SimulatedLine, answer
from prewatt.meters import modbus
from tests.storm import plan
from tests.storm.meters import StormMeter

if TYPE_CHECKING:
    from tests.storm.head import Head
    from tests.storm.world import World

PURSE = "SELECT 1 FROM vending_purse WHERE meter_id = %s"
CREDIT = bytes.fromhex("050d")
POWER = {plan.CUT_BEFORE: "before", plan.CUT_AFTER: "after", plan.TORN: "torn"}
EXCEPTIONS = {plan.BUSY: 6, plan.REFUSE: 4, plan.NO_PATH: 0x0B}


def is_money(frame: bytes) -> bool:
    """Whether a frame gives or takes credit."""
    return len(frame) >= 4 and frame[1] == modbus.WRITE and frame[2:4] == CREDIT


def named(frame: bytes) -> tuple[int, int]:
    """Number and amount of a whole credit frame."""
    return int.from_bytes(frame[11:13]), int.from_bytes(frame[7:11], signed=True)


@dataclass
class _Live:
    """A rule and how often it still holds."""

    rule: plan.Rule
    skip: int
    times: int


class Wire:
    """Two meters on a pair of wires behind one gateway."""

    def __init__(self, world: World, meters: list[StormMeter], rules: tuple[plan.Rule, ...], rng: Random) -> None:
        self._world = world
        self._rng = rng
        self.line = SimulatedLine(
            "storm", {meter.plan.address: meter for meter in meters}, world.clock, seed=world.schedule.seed,
            faults=Faults(),
        )  # fmt: skip
        self._rules = [_Live(rule, rule.skip, rule.times) for rule in rules]
        self.money_sent: Counter[int] = Counter()  # by place of the meter
        self.unheard: Counter[int] = Counter()  # credit frames that did not get through whole, by amount
        self.refused: set[int] = set()  # amounts that a meter was made to refuse
        self.impostors: Counter[int] = Counter()
        self.dead_until = [0.0, 0.0]
        self.busy_until = 0.0  # something is still under way somewhere

    def calm(self) -> None:
        """From now on nothing goes wrong on the wire."""
        self._rules.clear()
        self.dead_until = [0.0, 0.0]
        for meter in self.line.meters.values():
            meter.cut_at_purchase = None
            meter.off_until = min(meter.off_until, meter.at_ms)

    def transmit(self, link: StormLink, frame: bytes) -> None:
        """A frame leaves the head-end."""
        place = frame[0] - 1
        money = is_money(frame) and len(frame) == 15
        self._world.note("tx", frame.hex())
        if money:
            self.money_sent[place] += 1
            self._world.money_frame(place, *named(frame))
        rule = self._pick(place, money, frame)
        if rule is None:
            self._carry(link, frame, None)
            return
        self._world.note("fault", f"{rule.kind} {rule.delay:.3f}")
        self._hurt(link, frame, rule, place, money)

    def put(self, frame: bytes) -> list[tuple[float, bytes]]:
        """Put a frame on the wire now, whoever it comes from; what is answered, in one piece."""
        place = frame[0] - 1 if frame else -1
        money = is_money(frame) and len(frame) == 15
        before = self._world.truth_count
        if 0 <= place < 2 and self._world.now() < self.dead_until[place]:
            pieces: list[tuple[float, bytes]] = []
        else:
            pieces = self.line.respond(frame)
        meter = self.line.meters.get(frame[0]) if frame else None
        if meter is not None:
            meter.cut_at_purchase = None
        if money and self._world.truth_count == before and (meter is None or meter.purse.count != named(frame)[0]):
            self.unheard[named(frame)[1]] += 1
        return [(pieces[-1][0], b"".join(piece for _, piece in pieces))] if pieces else []

    def _pick(self, place: int, money: bool, frame: bytes) -> plan.Rule | None:
        now = self._world.now()
        for live in self._rules:
            rule = live.rule
            if live.times <= 0 or (rule.meter is not None and rule.meter != place) or now < rule.from_s:
                continue
            if (rule.what == plan.MONEY and not money) or (rule.what == plan.READ and frame[1] != modbus.READ):
                continue
            if rule.register is not None and int.from_bytes(frame[2:4]) != rule.register:
                continue
            if rule.chance < 1 and self._rng.random() >= rule.chance:
                continue
            if live.skip:
                live.skip -= 1
                continue
            live.times -= 1
            return rule
        return None

    def _carry(self, link: StormLink, frame: bytes, rule: plan.Rule | None) -> None:
        for delay, reply in self.put(frame):
            self._back(link, delay, reply, rule)

    def _back(self, link: StormLink, delay: float, reply: bytes, rule: plan.Rule | None) -> None:
        """What becomes of an answer."""
        kind = rule.kind if rule else ""
        match kind:
            case plan.REPLY_LOST:
                return
            case plan.REPLY_CORRUPT:
                reply = self._flip(reply)
            case plan.REPLY_TWICE:
                self._arrive(link, delay + rule.delay, reply)  # type: ignore[union-attr]
            case plan.REPLY_LATE:
                delay += rule.delay  # type: ignore[union-attr]
            case plan.REPLY_CUT:
                place = self._rng.randrange(1, len(reply))
                if self._rng.random() < 0.5:
                    self._arrive(link, delay + self._rng.uniform(0.005, 0.3), reply[place:])
                reply = reply[:place]
        self._arrive(link, delay, reply)

    def _hurt(self, link: StormLink, frame: bytes, rule: plan.Rule, place: int, money: bool) -> None:
        """What becomes of a question."""
        match rule.kind:
            case plan.REQUEST_LOST:
                self._count_unheard(frame, money)
            case plan.REQUEST_CORRUPT:
                self._count_unheard(frame, money)
                for delay, reply in self.put(self._flip(frame)):
                    self._arrive(link, delay, reply)
            case plan.REQUEST_TWICE:
                self._carry(link, frame, None)
                self._later(rule.delay, lambda: self._carry(link, frame, None))
            case plan.REQUEST_LATE:
                self._later(rule.delay, lambda: self._carry(link, frame, None))
            case plan.WRONG_UNIT:
                self._count_unheard(frame, money)
                self._neighbour(link, frame, own_name=True)
            case plan.IMPOSTOR:
                self.impostors[place] += 1
                if not self._world.query(PURSE, [self._world.arena.people.meters[place]]):
                    self._world.cause(place, "impostor-at-opening")
                self._neighbour(link, frame, own_name=False)
            case plan.BUSY | plan.REFUSE | plan.NO_PATH:
                self._count_unheard(frame, money)
                if money and rule.kind == plan.REFUSE:
                    self.refused.add(named(frame)[1])
                reply = modbus.exception_answer(frame[0], frame[1], EXCEPTIONS[rule.kind])
                self._arrive(link, self._rng.uniform(0.05, 0.3), reply)
            case plan.CUT_BEFORE | plan.CUT_AFTER | plan.TORN:
                meter: Any = self.line.meters.get(frame[0])
                meter.cut_at_purchase = (POWER[rule.kind], int(rule.delay * 1000))
                before = self._world.truth_count
                self._carry(link, frame, None)
                if rule.kind == plan.TORN and self._world.truth_count != before:
                    self._world.cause(place, "torn")
            case _:
                self._carry(link, frame, rule)

    def _count_unheard(self, frame: bytes, money: bool) -> None:
        if money:
            self.unheard[named(frame)[1]] += 1

    def _neighbour(self, link: StormLink, frame: bytes, *, own_name: bool) -> None:
        """The other meter takes a read for its own; nobody hears a write."""
        other: Any = self.line.meters.get(3 - frame[0])
        if other is None or frame[1] != modbus.READ:
            return
        other.advance(self.line.now_ms())
        said = answer(other, modbus.seal(bytes((other.plan.address,)) + frame[1:-2]))
        if said is not None:
            said = said if own_name else modbus.seal(frame[:1] + said[1:-2])
            self._arrive(link, self._rng.uniform(0.05, 0.4), said)

    def _flip(self, frame: bytes) -> bytes:
        garbled = bytearray(frame)
        garbled[self._rng.randrange(len(garbled))] ^= 1 << self._rng.randrange(8)
        return bytes(garbled)

    def _later(self, delay: float, call: Any) -> None:
        self.busy_until = max(self.busy_until, self._world.now() + delay + 1.0)
        asyncio.get_running_loop().call_later(delay, call)

    def _arrive(self, link: StormLink, delay: float, reply: bytes) -> None:
        self.busy_until = max(self.busy_until, self._world.now() + delay)
        asyncio.get_running_loop().call_later(delay, link.arrive, link.generation, reply)


class StormLink:
    """One head-end's way to the line. It dies with its head-end, at a byte if need be."""

    def __init__(self, world: World, head: Head, wire: Wire) -> None:
        self._world = world
        self._head = head
        self._wire = wire
        self._user: LinkUser | None = None
        self._up = False
        self.generation = 0
        self.dead = False
        self.lost = False  # the network is away: it cannot be opened

    def start(self, user: LinkUser) -> None:
        self._user = user
        asyncio.get_running_loop().call_soon(self.restore)

    def send(self, frame: bytes, _answer_length: int, /) -> None:
        if self.dead or not self._up:
            return
        left = self._head.bytes_left(frame)
        if left is not None and left < len(frame):
            self._world.note("tx", f"{frame[:left].hex()} then dead")
            for delay, reply in self._wire.put(frame[:left]) if left else ():
                self._world.note("rx", f"{reply.hex()} after {delay:.3f} to nobody")
            self._head.die("byte")
            return
        self._wire.transmit(self, frame)
        if left is not None:
            self._head.spend(len(frame))

    def arrive(self, generation: int, data: bytes) -> None:
        """Bytes came in."""
        if self.dead or generation != self.generation or self._user is None or not data:
            return
        left = self._head.bytes_left(b"")
        if left is not None and left < len(data):
            self._world.note("rx", f"{data[:left].hex()} then dead")
            self._head.die("byte")
            return
        if left is not None:
            self._head.spend(len(data))
        self._world.note("rx", data.hex())
        self._user.link_bytes(data)

    def break_off(self, reason: str = "closed") -> None:
        """Lose the link with all that is under way."""
        self.generation += 1
        was_up, self._up = self._up, False
        if was_up and self._user is not None and not self.dead:
            self._user.link_down(reason)

    def restore(self) -> None:
        """Open again."""
        if self._user is not None and not self._up and not self.dead and not self.lost:
            self._up = True
            self._user.link_up()

    def reopen(self) -> None:
        if self._up:
            self.break_off("reopened")
            asyncio.get_running_loop().call_soon(self.restore)

    async def stop(self) -> None:
        self.dead = True
        self._up = False
