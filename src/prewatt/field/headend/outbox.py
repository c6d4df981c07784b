"""Facts on their way to the books: collected, and handed over at most once a second; kept while the store is away.

Of a meter's state only the newest counts, so it is packed when it leaves. Stored readings are packed when they are
heard and wait as long as need be, within a limit that is a month of outage of a large building.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from prewatt.field.headend.instrument import Meter
from prewatt.field.headend.store import Batch, ContactChange, ContactKind, FrameRecord, IdentitySeen, LineCounters

ROWS_IN_BATCH = 5_000
KEPT_ROWS = 1_000_000
KEPT_FRAMES = 20_000
KEPT_COUNTERS = 10_000


class Outbox:
    """What was seen and not yet stored."""

    def __init__(self, at_ms: Callable[[float], int]) -> None:
        self._at_ms = at_ms
        self.states: dict[int, Meter] = {}  # heard since the last batch
        self._stored: deque[bytes] = deque(maxlen=KEPT_ROWS)
        self._contacts: dict[tuple[ContactKind, int], ContactChange] = {}
        self._frames: deque[FrameRecord] = deque(maxlen=KEPT_FRAMES)
        self._counters: deque[LineCounters] = deque(maxlen=KEPT_COUNTERS)
        self._identities: dict[int, IdentitySeen] = {}

    def heard(self, meter: Meter) -> None:
        """A meter's state is new."""
        self.states[meter.meter_id] = meter

    def keep(self, meter: Meter) -> None:
        """A meter's state is a stored reading; it is its newest state as well."""
        self._stored.append(meter.row(self._at_ms(meter.polled_at), 1))
        self.states.pop(meter.meter_id, None)

    def fact(self, row: bytes) -> None:
        """A packed row that somebody else measured: a manager's own report."""
        self._stored.append(row)

    def contact(self, change: ContactChange) -> None:
        """Contact changed. Only the last change of each is of interest if several wait."""
        self._contacts.pop((change.kind, change.ref), None)
        self._contacts[change.kind, change.ref] = change

    def frame(self, record: FrameRecord) -> None:
        """A frame of a line whose log is on."""
        self._frames.append(record)

    def counted(self, counters: LineCounters) -> None:
        """What a line did."""
        self._counters.append(counters)

    def identity(self, seen: IdentitySeen) -> None:
        """A serial was read."""
        self._identities[seen.meter_id] = seen

    def take(self) -> Batch | None:
        """The next batch, None when there is nothing. What is taken is gone: give it back if it was not stored."""
        rows = [self._stored.popleft() for _ in range(min(len(self._stored), ROWS_IN_BATCH))]
        states = list(self.states)[: ROWS_IN_BATCH - len(rows)]
        for meter_id in states:
            meter = self.states.pop(meter_id)
            rows.append(meter.row(self._at_ms(meter.polled_at), 0))
        batch = Batch(
            rows=b"".join(rows),
            contacts=tuple(self._contacts.values()),
            frames=tuple(self._frames),
            counters=tuple(self._counters),
            identities=tuple(self._identities.values()),
        )
        self._contacts.clear()
        self._frames.clear()
        self._counters.clear()
        self._identities.clear()
        return batch if batch != Batch() else None

    @property
    def full(self) -> bool:
        """Whether a whole batch of rows waits already."""
        return len(self._stored) + len(self.states) >= ROWS_IN_BATCH

    def forget(self, meters: Iterable[Meter]) -> None:
        """Meters that left the roster."""
        for meter in meters:
            self.states.pop(meter.entry.meter_id, None)
