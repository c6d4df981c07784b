"""records: replayed, reordered, truncated, bit-flipped records and downgrades by the hundred thousand, all refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from random import Random

from prewatt.core.clock import SteppedClock
from prewatt.field.links import record3des as layer
from prewatt.field.links.record3des import Direction, Keys, Kind, Opener, RecordRefused, Sealer, Shared
from prewatt.field.links.recordsession import RecordSession
from tests.virtual import START

Figure = tuple[str, float, str, str, bool | None, str]
Attack = Callable[[int, Random], int]

TIMES = 100_000
SHORT = 5_000
ROUND = 50  # genuine records in between, which must still be taken


class Line:
    """A sender, a receiver, and the records that were sent and taken so far."""

    def __init__(self, random: Random) -> None:
        keys = Keys.derive(random.randbytes(32), random.randbytes(32), random.randbytes(32), Direction.INITIATOR)
        self.random = random
        self.sealer, self.opener = Sealer(keys, 0.0), Opener(keys, 0.0)
        self.taken: list[bytes] = []

    def record(self) -> bytes:
        """A fresh record."""
        payload = self.random.randbytes(self.random.randrange(0, 80))
        return self.sealer.seal(Kind.DATA, payload, self.random.randbytes(8))

    def take(self, record: bytes) -> None:
        """A genuine record in its turn must open, whatever was tried before."""
        self.opener.open(record, 0.0)
        self.taken = [*self.taken[-99:], record]

    def refuses(self, record: bytes) -> bool:
        """Whether it is refused."""
        try:
            self.opener.open(record, 0.0)
        except RecordRefused:
            return True
        return False


def _against(times: int, random: Random, forge: Callable[[Line, list[bytes]], bytes]) -> int:
    """How many of so many forgeries were refused, with genuine records taken in between."""
    refused = 0
    line = Line(random)
    for number in range(times):
        if number % 1000 == 0:
            line = Line(random)
            line.take(line.record())
        if number % ROUND == 0:
            waiting = [line.record() for _ in range(8)]
        refused += line.refuses(forge(line, waiting))
        if number % ROUND == ROUND - 1:
            for record in waiting:
                line.take(record)
    return refused


def replayed(times: int, random: Random) -> int:
    """A record taken before, once more."""
    return _against(times, random, lambda line, _: random.choice(line.taken))


def reordered(times: int, random: Random) -> int:
    """A genuine record before its turn."""
    return _against(times, random, lambda _, waiting: random.choice(waiting[1:]))


def truncated(times: int, random: Random) -> int:
    """The right record, cut short anywhere."""
    return _against(times, random, lambda _, waiting: waiting[0][: random.randrange(len(waiting[0]))])


def bit_flipped(times: int, random: Random) -> int:
    """The right record with one to three bits turned over."""

    def flip(_: Line, waiting: list[bytes]) -> bytes:
        record = bytearray(waiting[0])
        for bit in random.sample(range(8 * len(record)), random.randrange(1, 4)):
            record[bit // 8] ^= 1 << bit % 8
        return bytes(record)

    return _against(times, random, flip)


def downgraded(times: int, random: Random) -> int:
    """Hellos that ask for another version, another name, another nonce, clear text or TLS; and an expired mode.

    Refused means: no byte of the user was taken on either side.
    """
    secret = random.randbytes(32)
    clock = SteppedClock(START)
    until = {"north": START + timedelta(days=1), "expired": START - timedelta(seconds=1)}

    def lookup(name: str) -> Shared | None:
        day = until.get(name or "north")
        return Shared(secret, day) if day else None

    def session(direction: Direction, name: str = "north") -> RecordSession:
        return RecordSession(direction, name=name, lookup=lookup, clock=clock, random=random.randbytes)

    def carried(kind: int | None) -> bool:
        dialled, answered = session(Direction.INITIATOR), session(Direction.RESPONDER)
        hello = dialled.outgoing()
        try:
            answered.feed(hello if kind is None else _tamper(kind, hello, random))
            dialled.feed(answered.outgoing())
            answered.feed(dialled.outgoing())
            dialled.send(b"credit")
            return answered.feed(dialled.outgoing()) == b"credit"
        except RecordRefused:
            return False

    if not carried(None):
        return 0  # what refuses everybody proves nothing
    return sum(not carried(number % 6) for number in range(times))


def _tamper(kind: int, hello: bytes, random: Random) -> bytes:
    match kind:
        case 0:  # another version
            return hello[:4] + bytes([random.choice([0, *range(2, 256)])]) + hello[5:]
        case 1:  # any one bit
            bit = random.randrange(8 * len(hello))
            changed = bytearray(hello)
            changed[bit // 8] ^= 1 << bit % 8
            return bytes(changed)
        case 2:  # a TLS client of an old version
            return bytes([0x16, 3, random.randrange(4), 0, 40]) + random.randbytes(40)
        case 3:  # clear frames
            return bytes([random.randrange(1, 33), 3, 2, 0, 0, 48]) + random.randbytes(64)
        case 4:  # a name whose mode is over
            return hello[:5] + bytes([7]) + b"expired" + hello[-layer.NONCE_BYTES :]
    return hello[: -layer.NONCE_BYTES] + random.randbytes(layer.NONCE_BYTES)


ATTACKS: tuple[Attack, ...] = (replayed, reordered, truncated, bit_flipped, downgraded)


def figures() -> list[Figure]:
    """One figure for each kind: how many were refused."""
    times = SHORT if os.environ.get("PREWATT_BENCH_SHORT") else TIMES
    rows: list[Figure] = []
    for attack in ATTACKS:
        refused = attack(times, Random(2026))
        name = f"records-{attack.__name__.replace('_', '-')}"
        rows.append((name, refused, "refused", f"{times} of {times}", refused == times, ""))
    return rows
