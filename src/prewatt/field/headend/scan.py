"""Looks for devices on a line: one question to each address, between the polls, at the line's speed or at others.

On the line's own settings the round goes on and money goes first, as ever. Another speed needs the port for itself:
the line is taken for a few addresses, given back, and taken again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from prewatt.field.bus.driver import Bus, LineLost
from prewatt.field.bus.exchange import Outcome, Priority, Question, Reply
from prewatt.field.bus.machine import Machine
from prewatt.field.bus.rounds import Station
from prewatt.field.bus.timing import Timing
from prewatt.field.headend.line import Line
from prewatt.field.headend.plant import Plant
from prewatt.field.headend.sitetime import SiteTime
from prewatt.field.headend.store import Found
from prewatt.meters import recognise
from prewatt.meters.framing import DLT645
from prewatt.meters.plan import Exchange, Unit, identity, plan_identity, plan_state, unit_of
from prewatt.meters.shape import Profile

DONE, FAILED = "done", "failed"
CANCELLED = "cancelled"
GAP_S = 0.4  # after each question: two or three polls
REPORT_EVERY_S = 2.0
BORROWED_AT_ONCE = 12  # addresses asked at another speed before the line is given back
GIVEN_BACK_S = 5.0
OPEN_WITHIN_S = 8.0
NO_BUS = ("modbus-tcp",)  # gateways that understand what they carry, and carry only Modbus

Ask = Callable[[Question], Awaitable[Reply]]
Report = Callable[[int, Sequence[Found]], Awaitable[bool]]


class _Stop(Exception):
    """The scan ends early; the word says why."""


class Scan:
    """One scan of one line. ``report`` tells how far it is and what was found; False from it cancels."""

    def __init__(self, plant: Plant, line: Line, time: SiteTime, report: Report) -> None:
        self._plant = plant
        self._line = line
        self._time = time
        self._report = report
        self._asked = 0
        self._found: list[Found] = []
        self._reported_at = time.now()

    async def run(self, first: int, last: int, settings: Iterable[tuple[int, str]]) -> tuple[str, str]:
        """Scan; outcome and reason, as a control order reports them."""
        own = (self._line.entry.baud, self._line.entry.parity)
        addresses = range(first, last + 1)
        try:
            for baud, parity in settings:
                if (baud, parity) == own:
                    await self._at_own_settings(addresses)
                else:
                    await self._at_other_settings(baud, parity, addresses)
            await self._tell()
        except _Stop as stop:
            return FAILED, str(stop)
        except LineLost:
            return FAILED, Outcome.CLOSED.value
        return DONE, ""

    async def _at_own_settings(self, addresses: Iterable[int]) -> None:
        line = self._line

        async def ask(question: Question) -> Reply:
            reply = await line.bus.ask(Priority.PROBE, question)
            if reply.outcome is Outcome.CLOSED and await self._up_again():
                # a gateway behind which all is silent is called anew once a minute
                reply = await line.bus.ask(Priority.PROBE, question)
            await self._time.sleep(GAP_S)
            return reply

        await self._look(ask, line.timing, (line.entry.baud, line.entry.parity), addresses, first=True)

    async def _at_other_settings(self, baud: int, parity: str, addresses: Sequence[int]) -> None:
        timing = Timing.of(baud, parity)
        for start in range(0, len(addresses), BORROWED_AT_ONCE):
            async with self._borrowed(timing, baud, parity) as bus:

                async def ask(question: Question, bus: Bus = bus) -> Reply:
                    return await bus.ask(Priority.PROBE, question)

                slice_ = addresses[start : start + BORROWED_AT_ONCE]
                await self._look(ask, timing, (baud, parity), slice_, first=start == 0)
            await self._tell()
            await self._time.sleep(GIVEN_BACK_S)

    async def _up_again(self) -> bool:
        """Whether the line's link is up, or comes up soon."""
        began = self._time.now()
        while not self._line.machine.up and self._time.now() - began < OPEN_WITHIN_S:
            await self._time.sleep(GAP_S)
        return self._line.machine.up

    @asynccontextmanager
    async def _borrowed(self, timing: Timing, baud: int, parity: str) -> AsyncIterator[Bus]:
        """The port at other settings. It is taken at a frame boundary at which no money is under way."""
        line = self._line
        opened = asyncio.Event()

        def changed(up: bool, _reason: str) -> None:
            if up:
                opened.set()

        entry = replace(line.entry, baud=baud, parity=parity)
        bus = self._plant.bus_beside(line, entry, Machine(timing, _Quiet()), changed)
        if bus is None:
            raise _Stop("not-on-roster")
        await self._up_again()
        async with line.bus.hold(Priority.PROBE):
            await line.bus.stop()
            try:
                bus.start()
                async with asyncio.timeout(OPEN_WITHIN_S):
                    await opened.wait()
                yield bus
            except TimeoutError:
                raise _Stop("cannot-open") from None
            finally:
                await bus.stop()
                if self._plant.lines.get(line.entry.line_id) is line:
                    line.bus.start()

    async def _look(
        self, ask: Ask, timing: Timing, settings: tuple[int, str], addresses: Iterable[int], *, first: bool
    ) -> None:
        """Ask each address who is there; before the first, whether a DL/T 645 meter is."""
        if first and self._line.gateway.kind not in NO_BUS:
            await self._look_for_645(ask, timing, settings)
        for address in addresses:
            reply = await self._ask(ask, Question(recognise.model_request(address), timing, "model"))
            if reply.answered:
                self._found.append(await self._recognised(ask, timing, settings, address, reply))
            self._asked += 1
            if self._time.now() - self._reported_at >= REPORT_EVERY_S:
                await self._tell()

    async def _look_for_645(self, ask: Ask, timing: Timing, settings: tuple[int, str]) -> None:
        question = Question(recognise.serial_request(), timing, "serial", DLT645, recognise.SERIAL_ANSWER)
        reply = await self._ask(ask, question)
        if reply.outcome is Outcome.ANSWER:
            serial = recognise.serial_of(reply.body)
            fitting = await self._fitting(ask, timing, recognise.without_model_code("dlt645"), 1, serial)
            self._found.append(_found(settings, 0, fitting, -1, serial))

    async def _recognised(
        self, ask: Ask, timing: Timing, settings: tuple[int, str], address: int, reply: Reply
    ) -> Found:
        code = int.from_bytes(reply.body) if reply.outcome is Outcome.ANSWER else -1
        known = recognise.by_model_code(code)
        fitting: tuple[Profile, ...]
        if known is not None:
            fitting = (known,)
        else:
            fitting = await self._fitting(ask, timing, recognise.without_model_code("modbus"), address, "")
        serial = await self._serial(ask, timing, fitting[0], address) if len(fitting) == 1 else ""
        return _found(settings, address, fitting, code, serial)

    async def _fitting(
        self, ask: Ask, timing: Timing, profiles: Iterable[Profile], address: int, serial: str
    ) -> tuple[Profile, ...]:
        """Those whose whole sweep the device answers."""
        found = []
        for profile in profiles:
            unit = unit_of(profile, address, serial)
            if await self._answers(ask, timing, plan_state(profile, unit)):
                found.append(profile)
        return tuple(found)

    async def _answers(self, ask: Ask, timing: Timing, exchanges: Iterable[Exchange]) -> bool:
        for exchange in exchanges:
            reply = await self._ask(ask, _question(exchange, timing))
            if reply.outcome is not Outcome.ANSWER:
                return False
        return True

    async def _serial(self, ask: Ask, timing: Timing, profile: Profile, unit: Unit) -> str:
        """What it says its number is; a purchase log's fingerprint is no number."""
        if profile.identity != "serial":
            return ""
        bodies: dict[str, bytes] = {}
        for exchange in plan_identity(profile, unit):
            reply = await self._ask(ask, _question(exchange, timing))
            if reply.outcome is Outcome.ANSWER:
                bodies[exchange.block] = reply.body
        return identity(profile, bodies) or ""

    async def _ask(self, ask: Ask, question: Question) -> Reply:
        """Ask; what came damaged once is asked once more."""
        reply = await ask(question)
        if reply.outcome in (Outcome.CRC, Outcome.FOREIGN):
            reply = await ask(question)
        if reply.outcome is Outcome.CLOSED:
            raise _Stop(Outcome.CLOSED.value)
        return reply

    async def _tell(self) -> None:
        found, self._found = self._found, []
        self._reported_at = self._time.now()
        if not await self._report(self._asked, found):
            raise _Stop(CANCELLED)


class _Quiet:
    """Nobody polls on a borrowed line, so there is nothing to be told."""

    def polled(self, _station: Station, _frames: list[bytes], _now: float) -> None:
        """Not polled."""

    def refused(self, _station: Station, _reply: Reply, _now: float) -> None:
        """Not polled."""

    def missed(self, _station: Station, _outcome: Outcome, _now: float) -> None:
        """Not polled."""

    def frame(self, _direction: str, _data: bytes, _note: str) -> None:
        """Not tapped."""


def settings_of(text: str) -> list[tuple[int, str]]:
    """Speeds and parities as an order's body has them: "9600N,4800E". Raises ValueError."""
    return [(int(part[:-1]), part[-1]) for part in text.split(",") if part]


def _question(exchange: Exchange, timing: Timing) -> Question:
    return Question(exchange.frame, timing, exchange.block, exchange.framing, exchange.reply_length)


def _found(
    settings: tuple[int, str], address: int, fitting: Sequence[Profile], code: int, serial: str
) -> Found:  # fmt: skip
    names = [profile.name for profile in fitting]
    sure = names[0] if len(names) == 1 else ""
    return Found(*settings, address, sure, "" if sure else ", ".join(names), code, serial)
