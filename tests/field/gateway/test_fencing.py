"""Two head-ends on one gateway: the stale one can at most repeat an armed number, and commits nothing."""

from __future__ import annotations

import asyncio

from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import Permit
from tests.field.headend.house import House


def test_a_replaced_head_end_at_most_repeats_an_armed_number() -> None:
    house = House([3])
    permits: list[tuple[str, int]] = []

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        store = house.store
        arm = store.arm
        working: list[asyncio.Task[None]] = []

        async def replaced(**arguments: object) -> object:
            permit = await arm(**arguments)  # type: ignore[arg-type]
            if not working:
                # between the permit and its frame another head-end takes over
                second = HeadEnd(store, house.clock, holder="second", make_link=house.make_link)
                working.append(asyncio.create_task(second.run()))
                await asyncio.sleep(0.5)
                assert store.holder == "second"
            if isinstance(permit, Permit):
                permits.append((store.holder, permit.n))
            return permit

        store.arm = replaced  # type: ignore[assignment,method-assign]
        orders = [store.sell(101, 100), store.sell(102, 200)]
        await house.until(lambda: all(order.state == "DELIVERED" for order in orders), 120)
        await asyncio.sleep(30)
        # whatever was decided was decided from the holder's evidence, after the take-over
        assert store.calls.count("lease") > 2
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    house.live(story)
    assert house.meters[101].applied == [(4, 100)]
    assert house.meters[102].applied == [(4, 200)]


def test_a_replaced_head_end_stops_polling_within_its_next_renewal() -> None:
    house = House([3])

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        first = house.links[1]
        second = HeadEnd(house.store, house.clock, holder="second", make_link=house.make_link)
        working = asyncio.create_task(second.run())
        await asyncio.sleep(8)
        asked = len(first.sent)
        await asyncio.sleep(20)
        assert len(first.sent) == asked
        assert len(house.links[1].sent) > 20
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    house.live(story)
