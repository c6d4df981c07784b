"""Credit is carried once, evidence is brought back, and nothing is sent without a permit and a lease."""

from __future__ import annotations

import asyncio
import struct
from random import Random

import pytest

from prewatt.core.evidence import Evidence
from prewatt.field.headend.store import Lease, Permit, Refused
from prewatt.meters import modbus
from tests.field.headend.house import House

CREDIT_REGISTER = 0x050D
Arriving = list[tuple[float, bytes]]


def is_money(frame: bytes) -> bool:
    return frame[1] == modbus.WRITE and frame[2:4] == struct.pack(">H", CREDIT_REGISTER)


def money_frames(house: House, line: int = 1) -> list[tuple[float, bytes]]:
    return [(at, frame) for at, frame in house.links[line].sent if is_money(frame)]


def test_a_sale_arrives_within_two_seconds_while_the_line_is_polled() -> None:
    house = House([24])

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        order = house.store.sell(107, 5000)
        took = await house.until(lambda: order.state == "DELIVERED", 10)
        assert took < 2.5
        await house.until(lambda: house.store.latest[107].credit == 15000, 2)

    house.live(story)
    assert house.meters[107].applied == [(4, 5000)]
    assert len(money_frames(house)) == 1
    row = house.store.latest[107]
    assert (row.purchase_number, row.total_purchased) == (4, 25000)


def test_money_goes_at_the_next_frame_boundary_and_nothing_comes_in_between() -> None:
    house = House([24])

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        order = house.store.sell(107, 5000)
        await house.until(lambda: order.state == "DELIVERED", 10)

    house.live(story)
    sent = [frame for _, frame in house.links[1].sent]
    place = next(index for index, frame in enumerate(sent) if is_money(frame))
    assert [frame[0] for frame in sent[place - 3 : place + 5]] == [7] * 8
    registers = [frame[2:4].hex() for frame in sent[place - 3 : place + 5]]
    assert registers == ["0043", "021f", "0412", "050d", "0043", "021f", "0412", "0200"]


def test_a_lost_answer_is_settled_by_evidence_after_two_quiet_seconds_and_never_sent_again() -> None:
    house = House([6])

    def lose_the_first_reply(frame: bytes, arriving: Arriving) -> Arriving:
        return [] if is_money(frame) else arriving

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        house.wires[1].fault = lose_the_first_reply
        order = house.store.sell(103, 5000)
        await house.until(lambda: order.state == "DELIVERED", 10)

    house.live(story)
    assert house.meters[103].applied == [(4, 5000)]
    ((sent_at, _),) = money_frames(house)
    after = min(at for at, _ in house.links[1].sent if at > sent_at)
    assert after - sent_at >= 1.0 + 2.0


def test_a_lost_request_is_sent_again_with_the_same_number_only_after_evidence() -> None:
    house = House([6])
    lost: list[bytes] = []

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        wire = house.wires[1]
        answer = house.meters[103].answer

        def deaf_once(frame: bytes) -> bytes | None:
            if is_money(frame) and not lost:
                lost.append(frame)
                return None
            return answer(frame)

        house.meters[103].answer = deaf_once  # type: ignore[method-assign]
        assert wire.fault is None
        order = house.store.sell(103, 5000)
        await house.until(lambda: order.state == "DELIVERED", 15)
        assert [permit.n for permit in order.permits] == [4, 4]
        assert [permit.attempt for permit in order.permits] == [1, 2]

    house.live(story)
    assert house.meters[103].applied == [(4, 5000)]
    (first, _), (second, _) = money_frames(house)
    between = [frame for at, frame in house.links[1].sent if first < at < second]
    assert [frame[2:4].hex() for frame in between] == ["0043", "021f", "0412"]


def test_a_meter_that_refuses_is_reported_as_refusing_and_nothing_more_is_sent() -> None:
    house = House([3])

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        order = house.store.sell(102, 9_000_000)
        await house.until(lambda: order.state == "REFUSED", 10)
        await asyncio.sleep(60)
        assert order.observations[-1].refused

    house.live(story)
    assert house.meters[102].applied == []
    assert len(money_frames(house)) == 1


def test_a_busy_meter_has_not_refused() -> None:
    house = House([3])
    busy: list[bytes] = []

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        answer = house.meters[102].answer

        def busy_once(frame: bytes) -> bytes | None:
            if is_money(frame) and not busy:
                busy.append(frame)
                return modbus.exception_answer(2, modbus.WRITE, 6)
            return answer(frame)

        house.meters[102].answer = busy_once  # type: ignore[method-assign]
        order = house.store.sell(102, 5000)
        await house.until(lambda: order.state == "DELIVERED", 10)

    house.live(story)
    assert house.meters[102].applied == [(4, 5000)]


def test_a_sale_to_a_dead_meter_waits_without_starving_the_line_and_goes_when_it_is_back() -> None:
    house = House([6])

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        house.meters[103].dead = True
        await asyncio.sleep(30)
        order = house.store.sell(103, 5000)
        before = len(house.store.readings)
        await asyncio.sleep(200)
        assert order.state == "QUEUED"
        assert sum(row.meter_id == 101 for row in house.store.readings[before:]) > 60
        house.meters[103].dead = False
        await house.until(lambda: order.state == "DELIVERED", 40)

    house.live(story)
    assert house.meters[103].applied == [(4, 5000)]


def test_an_order_whose_meter_dies_after_the_frame_is_settled_when_it_is_back() -> None:
    house = House([6])

    async def story(house: House) -> None:
        await asyncio.sleep(10)

        def die(frame: bytes, arriving: Arriving) -> Arriving:
            if is_money(frame):
                house.meters[103].dead = True
                return []
            return arriving

        house.wires[1].fault = die
        order = house.store.sell(103, 5000)
        await asyncio.sleep(100)
        assert order.state == "UNKNOWN"
        assert len(order.observations) >= 4
        house.meters[103].dead = False
        house.wires[1].fault = None
        await house.until(lambda: order.state == "DELIVERED", 400)

    house.live(story)
    assert len(money_frames(house)) == 1


def test_two_orders_of_one_meter_go_one_after_the_other() -> None:
    house = House([4])

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        orders = [house.store.sell(102, 1000), house.store.sell(102, 2000), house.store.sell(104, 3000)]
        await house.until(lambda: all(order.state == "DELIVERED" for order in orders), 20)

    house.live(story)
    assert house.meters[102].applied == [(4, 1000), (5, 2000)]
    assert house.meters[104].applied == [(4, 3000)]


def test_without_the_lease_no_first_byte_leaves() -> None:
    house = House([3])

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        arm = house.store.arm

        async def arm_slowly(*, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
            permit = await arm(order_id=order_id, lease=lease, evidence=evidence)
            # another head-end took over in the meantime, and this one heard of it
            house.store.token += 1
            await asyncio.sleep(6)
            return permit

        house.store.arm = arm_slowly  # type: ignore[method-assign]
        order = house.store.sell(102, 5000)
        await asyncio.sleep(8)
        assert order.state == "UNKNOWN"
        assert money_frames(house) == []
        house.store.arm = arm  # type: ignore[method-assign]
        await house.until(lambda: order.state == "DELIVERED", 30)

    house.live(story)
    assert house.meters[102].applied == [(4, 5000)]


def test_a_permit_that_comes_late_is_not_used() -> None:
    house = House([3])

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        arm = house.store.arm

        async def arm_late(*, order_id: int, lease: Lease, evidence: Evidence) -> Permit | Refused:
            permit = await arm(order_id=order_id, lease=lease, evidence=evidence)
            await asyncio.sleep(20)  # by now the office may have given the order up
            return permit

        house.store.arm = arm_late  # type: ignore[method-assign]
        order = house.store.sell(102, 5000)
        await asyncio.sleep(20.5)
        assert order.state == "UNKNOWN"
        assert money_frames(house) == []
        await house.until(lambda: order.state == "DELIVERED", 10)
        assert [permit.attempt for permit in order.permits] == [1, 2]

    house.live(story)
    assert house.meters[102].applied == [(4, 5000)]


def test_a_store_that_goes_away_after_arming_leads_to_evidence_not_to_a_second_frame() -> None:
    house = House([3])

    async def story(house: House) -> None:
        await asyncio.sleep(10)

        def away_after_the_frame(frame: bytes, arriving: Arriving) -> Arriving:
            house.store.away = house.store.away or is_money(frame)
            return arriving

        house.wires[1].fault = away_after_the_frame
        order = house.store.sell(102, 5000)
        await asyncio.sleep(20)
        assert order.state == "UNKNOWN"
        house.wires[1].fault = None
        house.store.away = False
        await house.until(lambda: order.state == "DELIVERED", 10)

    house.live(story)
    assert len(money_frames(house)) == 1


def test_a_link_lost_with_the_frame_under_way_leads_to_evidence() -> None:
    house = House([3])

    async def story(house: House) -> None:
        await asyncio.sleep(10)

        def break_off(frame: bytes, arriving: Arriving) -> Arriving:
            if is_money(frame):
                house.wires[1].fault = None
                asyncio.get_running_loop().call_soon(house.links[1].break_off)
                asyncio.get_running_loop().call_later(20, house.links[1].restore)
            return arriving

        house.wires[1].fault = break_off
        order = house.store.sell(102, 5000)
        await house.until(lambda: order.state == "DELIVERED", 60)

    house.live(story)
    assert house.meters[102].applied == [(4, 5000)]
    assert len(money_frames(house)) == 1


def test_giving_credit_back_is_a_negative_order() -> None:
    house = House([3])

    async def story(house: House) -> None:
        await asyncio.sleep(10)
        order = house.store.sell(102, -4000)
        await house.until(lambda: order.state == "DELIVERED", 10)

    house.live(story)
    assert house.meters[102].credit == 6000


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_line_does_each_order_is_applied_at_most_once_and_settled_in_the_end(seed: int) -> None:
    house = House([8], seed=seed)
    random = Random(1000 + seed)
    house.wires[1].fault = trouble(random)

    async def story(house: House) -> None:
        await asyncio.sleep(20)
        orders = [house.store.sell(101 + random.randrange(8), 100 * random.randint(1, 90)) for _ in range(12)]
        await asyncio.sleep(600)
        house.wires[1].fault = None
        await house.until(lambda: all(order.state == "DELIVERED" for order in orders), 900)
        for number, meter in house.meters.items():
            sold = sum(order.amount for order in orders if order.meter_id == number)
            assert (meter.total, meter.credit) == (20000 + sold, 10000 + sold)
        for order in orders:
            assert len({permit.n for permit in order.permits}) == 1

    house.live(story)
    values = {
        number: {row.credit % 100 for row in house.store.readings if row.meter_id == number} for number in house.meters
    }
    assert all(found == {0} for found in values.values())


def trouble(random: Random):
    """Requests lost after they worked, answers lost, late, damaged, doubled, in pieces, or somebody else's."""
    late: list[bytes] = []

    def fault(frame: bytes, arriving: Arriving) -> Arriving:
        if random.random() > 0.25 or not arriving:
            return arriving
        ((wait, answer),) = arriving
        match random.randrange(6):
            case 0:
                return []
            case 1:
                return [(wait + random.uniform(0.9, 1.9), answer)]
            case 2:
                place = random.randrange(len(answer))
                return [(wait, answer[:place] + bytes((answer[place] ^ 0x55,)) + answer[place + 1 :])]
            case 3:
                return [(wait, answer), (wait + 0.001, answer)]
            case 4:
                cut = random.randrange(1, len(answer))
                return [(wait, answer[:cut]), (wait + random.uniform(0.001, 0.05), answer[cut:])]
            case _:
                late.append(modbus.seal(bytes((answer[0] % 8 + 1,)) + answer[1:-2]))
                return [(wait, late[-1])]

    return fault
