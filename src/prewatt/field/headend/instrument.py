"""One meter as the head-end keeps it: its questions prepared, its last answers, and its row for the books."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from math import inf

from prewatt.core.supply import Contact
from prewatt.field.bus.exchange import Question
from prewatt.field.bus.rounds import Station
from prewatt.field.bus.timing import Timing
from prewatt.field.headend.store import MeterEntry
from prewatt.meters import registry
from prewatt.meters.decode import decoder
from prewatt.meters.framing import of
from prewatt.meters.plan import (
    LOG_BLOCK,
    Exchange,
    identity,
    plan_evidence,
    plan_identity,
    plan_log,
    plan_state,
    unit_of,
)  # fmt: skip
from prewatt.meters.row import ABSENT, ROW
from prewatt.meters.shape import Profile

_AT = struct.Struct("<q")
_AT_OFFSET = 4  # ROW: meter id, time, store, quantities ..., the meter's clock last
_STORE_OFFSET = 12
_CLOCK_OFFSET = ROW.size - 8
LOG_RECORDS = 20


class Meter:
    """What the head-end knows of one meter.

    Raises UnknownProfile for a profile that does not exist, ValueError when it cannot be called by what is known of it.
    """

    def __init__(self, entry: MeterEntry, timing: Timing) -> None:
        self.entry = entry
        self.meter_id = entry.meter_id
        self.timing = timing
        self.profile = registry.get(entry.profile)
        self._decoder = decoder(self.profile)
        self.unit = unit_of(self.profile, entry.address, entry.serial)
        self.ratios = {"pt": entry.pt, "ct": entry.ct}
        self._body = of(self.profile).body
        self.state = _questions(plan_state(self.profile, self.unit), timing)
        self.evidence = _questions(plan_evidence(self.profile, self.unit), timing)
        self._identity = _questions(plan_identity(self.profile, self.unit), timing)
        self._beyond = tuple(question for question in self.evidence if _tells_total(self.profile, question.name))
        self.station = Station(entry.address, self.state, self)
        # contact
        self.contact: Contact | None = None
        self.last_good_at = -inf  # monotonic site time of its last word
        self.first_missed_at = inf
        # readings
        self.store_at = -inf  # monotonic site time from which a poll is kept as a stored reading
        self.polled_at = -inf
        self.frames: list[bytes] = []  # sound frames of ``state``, empty where it refused; decoded when wanted
        self._packed: list[bytes] = []  # the frames that _row was made from
        self._bodies: dict[str, bytes] = {}
        self._more: dict[str, bytes] = {}  # what the sweep does not read: the total of purchases
        self._row = bytearray()
        # identity
        self.serial = ""
        self.chores_at = -inf  # monotonic site time of the next look at identity and total
        self._count = ABSENT  # of the last row
        self._more_count = ABSENT  # when _more was read

    def fits(self, entry: MeterEntry) -> bool:
        """Whether its questions and values are made from what an entry of the roster says."""
        own = self.entry
        same = (own.address, own.profile, own.pt, own.ct) == (entry.address, entry.profile, entry.pt, entry.ct)
        return same and (isinstance(self.unit, int) or own.serial == entry.serial)

    @property
    def proof_with_log(self) -> tuple[Question, ...]:
        """Evidence with the whole purchase log: for an order that was overtaken by another purchase."""
        log = plan_log(self.profile, self.unit, newest=LOG_RECORDS)
        short = tuple(question for question in self.evidence if not question.name.startswith(LOG_BLOCK))
        return short + _questions(log, self.timing)

    @property
    def chores(self) -> tuple[Question, ...]:
        """What is read at first contact and then daily: identity, and registers outside the sweep."""
        return self._identity + self._beyond

    def row(self, at_ms: int, store: int) -> bytes:
        """The row of the last state heard, which was at that time."""
        frames = self.frames
        if frames == self._packed and self._row:
            _AT.pack_into(self._row, _AT_OFFSET, at_ms)
            self._row[_STORE_OFFSET] = store
            return bytes(self._row)
        self._packed = frames
        body = self._body
        bodies = {question.name: body(frame) for question, frame in zip(self.state, frames, strict=True) if frame}
        if self._row and self._unchanged(bodies):
            _AT.pack_into(self._row, _AT_OFFSET, at_ms)
            self._row[_STORE_OFFSET] = store
            _AT.pack_into(self._row, _CLOCK_OFFSET, self._decoder.clock(bodies))
        else:
            self._decode(bodies, at_ms, store)
        self._bodies = bodies
        return bytes(self._row)

    def learn(self, bodies: Mapping[str, bytes]) -> str | None:
        """Take the answers to ``chores`` or ``evidence``; the identity shown, None when there was none."""
        more = {question.name: bodies[question.name] for question in self._beyond if question.name in bodies}
        count = next(
            (count for name, body in bodies.items() if (count := self._count_in(name, body)) is not None), None
        )
        self._more_count = self._count if count is None else count
        if more != self._more:
            self._more = more
            self._row = bytearray()
        return identity(self.profile, bodies)

    def inherit(self, other: Meter) -> None:
        """Go on from what was known of it before its line changed."""
        self.contact = other.contact
        self.last_good_at = other.last_good_at
        self.store_at = other.store_at
        self.serial = other.serial

    def _unchanged(self, bodies: dict[str, bytes]) -> bool:
        last = self._bodies
        return bodies.keys() == last.keys() and all(
            self._decoder.same(name, body, last[name]) for name, body in bodies.items()
        )

    def _decode(self, bodies: dict[str, bytes], at_ms: int, store: int) -> None:
        row = self._decoder.row(self.entry.meter_id, at_ms, store, {**bodies, **self._more}, self.ratios)
        self._count = row.purchase_number
        if self._more and self._count not in (self._more_count, ABSENT):
            if self._more_count != ABSENT:
                # somebody bought, or wrote: the total known is of before
                self._more = {}
                self.chores_at = -inf
                row = row._replace(total_purchased=ABSENT)
            self._more_count = self._count
        self._row = bytearray(ROW.pack(*row))

    def _count_in(self, block: str, body: bytes) -> int | None:
        """The purchase count in a body, if that block has it."""
        if block.startswith(LOG_BLOCK) or self.profile.block(block).field("purchase_number") is None:
            return None
        return self._decoder.values(block, body).get("purchase_number")


def _questions(exchanges: Iterable[Exchange], timing: Timing) -> tuple[Question, ...]:
    return tuple(
        Question(exchange.frame, timing, exchange.block, exchange.framing, exchange.reply_length)
        for exchange in exchanges
    )


def _tells_total(profile: Profile, block: str) -> bool:
    """Whether an evidence read tells the total of purchases, which the sweep does not."""
    if block in profile.sweep or block.startswith(LOG_BLOCK):
        return False
    return profile.block(block).field("total_purchased") is not None
