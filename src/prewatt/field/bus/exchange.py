"""One question to one meter and what became of it: the words that machine, driver and head-end share."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import NamedTuple

from prewatt.field.bus.timing import Timing
from prewatt.meters.modbus import READ, answer_length


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
    """A frame with everything its answer is compared with, prepared once."""

    __slots__ = ("frame", "head", "length", "name", "timeout_s", "unit", "write")

    def __init__(self, frame: bytes, timing: Timing, name: str = "") -> None:
        self.frame = frame
        self.name = name
        self.unit = frame[0]
        self.write = frame[1] != READ
        self.length = answer_length(frame)
        # a read is answered by its byte count, a write by the first six bytes of the request
        self.head = bytes(frame[:6]) if self.write else bytes((frame[0], READ, self.length - 5))
        self.timeout_s = timing.answer_within_s(len(frame), self.length)


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
