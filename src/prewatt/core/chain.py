"""Where a hand-in-hand line is broken: devices in the order of the cable, and which of them still answer.

One silent device is that device. A line silent from a place on to its end is a joint: the last device that answers is
whole, so is the cable up to it. A line on which nobody answers is broken before its first device, or its gateway's port
is dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from prewatt.core.supply import Contact

SILENT_TAIL = 2  # devices at the end that must be silent together before the cable is blamed and not the device


class Break(StrEnum):
    """What the silence of a line's devices points to."""

    NONE = "none"  # everybody answers, or who does not is silent alone
    HEAD = "head"  # nobody answers: the gateway's port, or the cable before the first device
    JOINT = "joint"  # silent from one place on to the end


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What to look at. ``after`` and ``before`` are the positions, counted from 0, on either side of the joint."""

    kind: Break
    after: int = -1
    before: int = -1
    silent: int = 0  # devices cut off


def suspect(chain: Sequence[Contact]) -> Suspicion:
    """The suspected break of a line whose devices are given in chain order.

    A device of which nothing is known (its gateway is away, or it was never asked) proves nothing either way.
    """
    known = [(position, contact) for position, contact in enumerate(chain) if contact is not Contact.UNKNOWN]
    answering = [position for position, contact in known if contact is Contact.OK]
    last = answering[-1] if answering else -1
    tail = [position for position, _contact in known if position > last]
    if len(tail) < SILENT_TAIL:
        return Suspicion(Break.NONE)
    if not answering:
        return Suspicion(Break.HEAD, before=tail[0], silent=len(tail))
    return Suspicion(Break.JOINT, last, tail[0], len(tail))
