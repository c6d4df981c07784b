"""What is true now, on its way up: of each thing only the newest counts, so an outage makes it no longer.

Contact is told as it is and since when it is so, never as a history: after an outage nobody is alarmed by what is over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from prewatt.meters.row import ROW

KEPT_COUNTERS = 2_000
KEPT_FRAMES = 5_000
STATES_AT_ONCE = 500
RECORDS_AT_ONCE = 40
_STORE_OFFSET = 12  # of the flag in a row: 1 also a stored reading


class Told(NamedTuple):
    """Something that replaces what was told of the same thing before."""

    key: Hashable
    fact: Any


@dataclass(frozen=True, slots=True)
class Facts:
    """One telegram's worth. What the facts are is between the program and the head-end."""

    rows: bytes = b""
    contacts: tuple[Any, ...] = ()
    identities: tuple[Any, ...] = ()
    counters: tuple[Any, ...] = ()
    frames: tuple[Any, ...] = ()


class Fresh:
    """Newest facts that were not told yet."""

    def __init__(self) -> None:
        self._states: dict[int, bytes] = {}
        self._contacts: dict[Hashable, Any] = {}
        self._identities: dict[Hashable, Any] = {}
        self._known: tuple[dict[Hashable, Any], dict[Hashable, Any]] = ({}, {})  # all that was ever heard, told or not
        self._counters: deque[Any] = deque(maxlen=KEPT_COUNTERS)
        self._frames: deque[Any] = deque(maxlen=KEPT_FRAMES)

    def heard(
        self, rows: bytes, contacts: Sequence[Told], identities: Sequence[Told], counters: Sequence[Any],
        frames: Sequence[Any],
    ) -> None:  # fmt: skip
        """What the lines brought."""
        for place, fields in enumerate(ROW.iter_unpack(rows)):
            row = rows[place * ROW.size : (place + 1) * ROW.size]
            self._state(fields[0], row[:_STORE_OFFSET] + b"\0" + row[_STORE_OFFSET + 1 :])
        for told, waiting, known in (
            (contacts, self._contacts, self._known[0]), (identities, self._identities, self._known[1]),
        ):  # fmt: skip
            for key, fact in told:
                waiting.pop(key, None)
                waiting[key] = known[key] = fact
        self._counters.extend(counters)
        self._frames.extend(frames)

    def tell_all(self) -> None:
        """The uplink is back: whoever is there may have missed anything, so contact and identity are told anew."""
        self._contacts = dict(self._known[0])
        self._identities = dict(self._known[1])

    @property
    def waits(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._states or self._contacts or self._identities or self._counters or self._frames)

    @property
    def full(self) -> bool:
        """Whether a whole telegram's worth waits already."""
        return len(self._states) >= STATES_AT_ONCE or max(len(self._counters), len(self._frames)) >= RECORDS_AT_ONCE

    def take(self) -> Facts:
        """The next telegram's worth; what is taken is gone, ``back`` brings it back."""
        rows = [self._states.pop(meter) for meter in list(self._states)[:STATES_AT_ONCE]]
        facts = Facts(
            b"".join(rows), tuple(Told(*one) for one in self._contacts.items()),
            tuple(Told(*one) for one in self._identities.items()), _some(self._counters), _some(self._frames),
        )  # fmt: skip
        self._contacts.clear()
        self._identities.clear()
        return facts

    def back(self, facts: Facts) -> None:
        """It was not taken: what is not out of date waits again."""
        for place, fields in enumerate(ROW.iter_unpack(facts.rows)):
            if fields[0] not in self._states:
                self._states[fields[0]] = facts.rows[place * ROW.size : (place + 1) * ROW.size]
        self._contacts = dict(facts.contacts) | self._contacts
        self._identities = dict(facts.identities) | self._identities
        self._counters.extendleft(reversed(facts.counters))
        self._frames.extendleft(reversed(facts.frames))

    def _state(self, meter: int, row: bytes) -> None:
        self._states.pop(meter, None)
        self._states[meter] = row


def _some(waiting: deque[Any]) -> tuple[Any, ...]:
    return tuple(waiting.popleft() for _ in range(min(len(waiting), RECORDS_AT_ONCE)))
