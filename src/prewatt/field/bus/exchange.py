"""One question to one meter and what became of it: the words that machine, driver and head-end share."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import NamedTuple

from prewatt.field.bus.timing import Timing
from prewatt.meters.framing import RTU, Framing


class Priority(IntEnum):
    """Who goes first at the next frame boundary."""

    MONEY = 0
    RESTORE = 1
    READ_BACK = 2
    TRIP = 3
    SETTINGS = 4
    READ_NOW = 5
    PROBE = 6
    POLL = 7


class Outcome(StrEnum):
    """What became of a question. The values are the stable reasons of the contact report."""

    ANSWER = "answer"
    REFUSED = "refused"  # the meter answered an exception: it is there
    TIMEOUT = "timeout"
    CRC = "crc"  # something came, but damaged
    FOREIGN = "foreign"  # only somebody else's frames came
    CLOSED = "closed"  # the link went away
    WITHHELD = "withheld"  # never sent: no longer allowed at the moment of the first byte


# a gateway's own words for "the meter behind me is silent"; the meter itself said nothing
GATEWAY_PATH_UNAVAILABLE, GATEWAY_NO_RESPONSE = 0x0A, 0x0B
ACKNOWLEDGE, BUSY = 0x05, 0x06  # neither a yes nor a no


class Reply(NamedTuple):
    """The end of an exchange. ``raw`` is the whole sound frame, ``body`` its register bytes."""

    outcome: Outcome
    body: bytes = b""
    exception: int = 0
    raw: bytes = b""

    @property
    def answered(self) -> bool:
        """The meter itself spoke."""
        return self.outcome is Outcome.ANSWER or self.outcome is Outcome.REFUSED

    @property
    def sent(self) -> bool:
        """Whether a byte may have reached the meter."""
        return self.outcome is not Outcome.WITHHELD


Done = Callable[[Reply], None]
Guard = Callable[[], bool]


class Question:
    """A frame with everything its answer is compared with, prepared once.

    ``length`` and ``head`` let a Modbus answer be known at a glance; a codec whose answers vary has length 0 and is
    always cut. ``expects``: how long a normal answer is about, for the time it takes.
    """

    __slots__ = ("frame", "framing", "head", "length", "name", "timeout_s", "write")

    def __init__(
        self, frame: bytes, timing: Timing, name: str = "", framing: Framing = RTU, expects: int = 0
    ) -> None:  # fmt: skip
        self.frame = frame
        self.name = name
        self.framing = framing
        self.length, self.head, self.write = framing.outline(frame)
        self.timeout_s = timing.answer_within_s(len(frame), self.length or expects)


class Job:
    """A single question from outside the polling round."""

    __slots__ = ("done", "guard", "priority", "question")

    def __init__(self, priority: Priority, question: Question, done: Done, guard: Guard | None = None) -> None:
        self.priority = priority
        self.question = question
        self.done = done
        self.guard = guard


class Claim:
    """The whole line for one purpose, from one frame boundary until it is given back."""

    __slots__ = ("granted", "job", "lost", "priority", "rest_until")

    def __init__(self, priority: Priority, granted: Callable[[], None], lost: Callable[[], None]) -> None:
        self.priority = priority
        self.granted = granted
        self.lost = lost
        self.job: Job | None = None
        self.rest_until = 0.0
