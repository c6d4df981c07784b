"""``./run profile try``: every block of a profile read from one real meter, as its author wants to see it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from prewatt.core.clock import Clock, SystemClock
from prewatt.core.errors import Refusal
from prewatt.field.bus.driver import Bus
from prewatt.field.bus.exchange import Outcome, Priority, Question, Reply
from prewatt.field.bus.machine import Machine
from prewatt.field.bus.rounds import Station
from prewatt.field.bus.timetable import Timetable
from prewatt.field.bus.timing import Timing
from prewatt.field.links.base import Link
from prewatt.field.links.mbap import MbapGateway
from prewatt.field.links.serial import SerialLink
from prewatt.field.links.tcp import TcpLink
from prewatt.meters.dlt645_words import explain
from prewatt.meters.plan import Exchange, identity, plan_blocks, unit_of
from prewatt.meters.profile import Profile, load
from prewatt.meters.snapshot import Snapshot, snapshot

OPEN_WITHIN_S = 8.0
SENDS = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """What to try, and how to get there."""

    file: Path
    link: str  # tcp://host:port, mbap://host:port, serial:DEVICE
    unit: int
    serial: str
    baud: int  # 0: what the profile says
    parity: str  # "": what the profile says
    ratios: dict[str, int]
    as_json: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one block."""

    exchange: Exchange
    reply: Reply
    sends: int


def run(trial: Trial) -> int:
    """Try it and print what was seen. 0: every block of the sweep was answered. Raises ProfileError, Refusal."""
    profile = load(trial.file)
    try:
        unit = unit_of(profile, trial.unit, trial.serial)
        exchanges = plan_blocks(profile, unit)
    except ValueError as error:
        raise Refusal("bad-unit", "%(why)s", why=error) from error
    seen = asyncio.run(_read(profile, trial, exchanges))
    bodies = {one.exchange.block: one.reply.body for one in seen if one.reply.outcome is Outcome.ANSWER}
    view = snapshot(profile, bodies, trial.ratios)
    print(_as_json(profile, seen, view) if trial.as_json else _as_text(profile, seen, view, bodies))
    return 0 if all(name in bodies for name in profile.sweep) else 1


# -- on the line ------------------------------------------------------------------------------------------------------


class _Quiet:
    """Nobody polls here, so there is nothing to be told."""

    def polled(self, _station: Station, _frames: list[bytes], _now: float) -> None:
        """Not polled."""

    def refused(self, _station: Station, _reply: Reply, _now: float) -> None:
        """Not polled."""

    def missed(self, _station: Station, _outcome: Outcome, _now: float) -> None:
        """Not polled."""

    def frame(self, _direction: str, _data: bytes, _note: str) -> None:
        """Not tapped."""


async def _read(profile: Profile, trial: Trial, exchanges: tuple[Exchange, ...]) -> list[Seen]:
    clock = SystemClock()
    baud, parity = trial.baud or int(profile.line["baud"]), trial.parity or str(profile.line["parity"])
    timing = Timing.of(baud, parity)
    machine = Machine(timing, _Quiet())
    opened = asyncio.Event()
    why = ["no answer"]

    def changed(up: bool, reason: str) -> None:
        if up:
            opened.set()
        else:
            why[0] = reason

    timetable = Timetable(clock, asyncio.get_running_loop())
    bus = Bus("try", machine, _link(trial.link, baud, parity, clock), timetable, clock, changed)
    bus.start()
    try:
        async with asyncio.timeout(OPEN_WITHIN_S):
            await opened.wait()
        return [await _ask(bus, timing, one) for one in exchanges]
    except TimeoutError as error:
        raise Refusal("link-shut", "%(link)s does not open: %(why)s", link=trial.link, why=why[0]) from error
    finally:
        await bus.stop()
        timetable.stop()


async def _ask(bus: Bus, timing: Timing, exchange: Exchange) -> Seen:
    """Ask up to three times; a refusal is an answer."""
    question = Question(exchange.frame, timing, exchange.block, exchange.framing, exchange.reply_length)
    reply = Reply(Outcome.WITHHELD)
    for send in range(1, SENDS + 1):
        reply = await bus.ask(Priority.READ_NOW, question)
        if reply.answered or reply.outcome is Outcome.CLOSED:
            return Seen(exchange, reply, send)
    return Seen(exchange, reply, SENDS)


def _link(place: str, baud: int, parity: str, clock: Clock) -> Link:
    kind, _, rest = place.partition(":")
    if kind == "serial" and rest:
        return SerialLink(rest, baud, parity, clock)
    try:
        parts = urlsplit(place)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if kind == "tcp" and host and port:
        return TcpLink(host, port, clock)
    if kind == "mbap" and host and port:
        return MbapGateway(host, port, clock).line()
    raise Refusal(
        "bad-link", "--link %(link)s: write tcp://host:port, mbap://host:port or serial:DEVICE", link=place
    )  # fmt: skip


# -- what was seen ----------------------------------------------------------------------------------------------------


def _outcome(seen: Seen) -> str:
    reply = seen.reply
    if reply.outcome is Outcome.REFUSED:
        words = ", ".join(explain(reply.exception)) or f"exception {reply.exception:02X}"
        return f"refused: {words}"
    return reply.outcome.value


def _as_text(profile: Profile, seen: list[Seen], view: Snapshot, bodies: dict[str, bytes]) -> str:
    lines = []
    for one in seen:
        lines.append(f"{one.exchange.block}: {_outcome(one)}" + (f" (sent {one.sends} times)" if one.sends > 1 else ""))
        lines.append(f"  > {one.exchange.frame.hex(' ')}")
        if one.reply.raw:
            lines.append(f"  < {one.reply.raw.hex(' ')}")
        lines += [
            f"  {name} = {quantity}  [{quantity.proof.verified}, {quantity.proof.source}]"
            for name, quantity in view.quantities.items()
            if quantity.block == one.exchange.block
        ]
    lines.append(f"identity: {identity(profile, bodies) or 'none'}")
    lines.append(f"contactor: {view.contactor.value}; mode: {view.mode.value}; flags: {view.flags.name or 'none'}")
    missing = [name for name in profile.sweep if name not in bodies]
    lines.append("the sweep was answered" if not missing else f"NOT answered: {', '.join(missing)}")
    return "\n".join(lines)


def _as_json(profile: Profile, seen: list[Seen], view: Snapshot) -> str:
    blocks = [
        {
            "block": one.exchange.block, "outcome": _outcome(one), "sends": one.sends,
            "sent": one.exchange.frame.hex(), "heard": one.reply.raw.hex(),
        }
        for one in seen
    ]  # fmt: skip
    values = {name: {"value": one.value, "shown": str(one)} for name, one in view.quantities.items()}
    found = {
        "profile": profile.name, "blocks": blocks, "values": values, "serial": view.serial,
        "contactor": view.contactor.value, "mode": view.mode.value,
    }  # fmt: skip
    return json.dumps(found, ensure_ascii=False)
