"""A large hand-over: several batches under way at once, and what is told again when one of them fails."""

from __future__ import annotations

import asyncio

import pytest

from prewatt.core.clock import SystemClock
from prewatt.field.headend.outbox import ROWS_IN_BATCH
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import Batch, RosterData, StoreAway
from prewatt.meters.row import EMPTY_ROW, ROW
from tests.fakes import FakeStore

BATCHES = 6


class Stumbling(FakeStore):
    """Refuses the batch that begins with a certain row, once; every answer takes a turn of the loop."""

    def __init__(self, refused: int) -> None:
        super().__init__(RosterData(1, ()), SystemClock())
        self.refused = {refused}
        self.under_way = self.most = 0

    async def ingest(self, batch: Batch) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        first = ROW.unpack_from(batch.rows)[0]
        if first in self.refused:
            self.refused.clear()
            raise StoreAway("not now")
        await super().ingest(batch)


def test_what_follows_a_failed_batch_is_told_again_and_nothing_is_lost() -> None:
    store = Stumbling(refused=ROWS_IN_BATCH)
    head = HeadEnd(store, SystemClock())
    for number in range(BATCHES * ROWS_IN_BATCH):
        head._outbox.fact(ROW.pack(*EMPTY_ROW._replace(meter_id=number, at_ms=1, store=1)))

    async def story() -> None:
        with pytest.raises(StoreAway):
            await head.flush()
        await head.flush()

    asyncio.run(story())
    told = [row.meter_id for row in store.readings]
    assert set(told) == set(range(BATCHES * ROWS_IN_BATCH))
    assert told[-3 * ROWS_IN_BATCH :] == list(range(3 * ROWS_IN_BATCH, BATCHES * ROWS_IN_BATCH))
    assert store.most == 4


def test_a_reading_taken_behind_a_failed_batch_goes_with_it() -> None:
    store = Stumbling(refused=1)
    head = HeadEnd(store, SystemClock())

    async def story() -> None:
        head._outbox.fact(ROW.pack(*EMPTY_ROW._replace(meter_id=1, at_ms=1, store=1)))
        with pytest.raises(StoreAway):
            await head.flush()
        head._outbox.fact(ROW.pack(*EMPTY_ROW._replace(meter_id=2, at_ms=1, store=1)))
        await head.flush()

    asyncio.run(story())
    assert [row.meter_id for row in store.readings] == [1, 2]
