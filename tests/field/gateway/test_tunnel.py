"""Credit through the tunnel: live or not at all, and only for whoever holds the gateway's lease."""

from __future__ import annotations

import asyncio

from prewatt.field.bus.exchange import Priority
from prewatt.field.headend.service import HeadEnd
from prewatt.field.links.uplink import Exchange, Result, Session
from prewatt.meters import modbus
from tests.field.gateway.zonehouse import NAME, ZoneHouse
from tests.field.headend.house import Wire

BUY = 0x050D


def credit_frames(house: ZoneHouse, line: int = 1) -> list[float]:
    """When credit frames went out on the wire."""
    return [at for at, frame in house.links[line].sent if frame[1] == 0x10 and frame[2:4] == BUY.to_bytes(2)]


def test_credit_is_delivered_through_the_gateway_within_seconds() -> None:
    house = ZoneHouse([24])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(30)
        order = house.store.sell(107, 5000)
        took = await house.until(lambda: order.state == "DELIVERED", 10)
        assert took < 5
        await asyncio.sleep(5)

    house.tell(story)
    assert house.meters[107].applied == [(4, 5000)]
    assert len(credit_frames(house)) == 1
    assert house.store.latest[107].credit == 15000


def test_the_line_is_held_for_the_conversation_and_polled_again_after_it() -> None:
    house = ZoneHouse([6])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(30)
        order = house.store.sell(103, 1000)
        await house.until(lambda: order.state == "DELIVERED", 10)
        await asyncio.sleep(10)

    house.tell(story)
    sent = house.links[1].sent
    at = next(place for place, (_, frame) in enumerate(sent) if frame[1] == 0x10)
    assert {frame[0] for _, frame in sent[at - 3 : at + 4]} == {3}
    assert {frame[0] for _, frame in sent[-30:]} == {1, 2, 3, 4, 5, 6}


def test_a_lost_reply_is_proven_by_evidence_and_never_sent_twice() -> None:
    house = ZoneHouse([4])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(30)
        wire: Wire = house.wires[1]

        def lose(frame: bytes, arriving: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
            return [] if frame[1] == 0x10 else arriving

        wire.fault = lose
        order = house.store.sell(102, 700)
        await house.until(lambda: order.state == "DELIVERED", 60)

    house.tell(story)
    assert house.meters[102].applied == [(4, 700)]
    assert len(credit_frames(house)) == 1


def test_an_uplink_cut_under_way_replays_nothing_when_it_is_back() -> None:
    house = ZoneHouse([4])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(30)
        wire: Wire = house.wires[1]

        def cut(frame: bytes, arriving: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
            if frame[1] == 0x10:
                house.network.cut()
            return arriving

        wire.fault = cut
        order = house.store.sell(102, 700)
        await house.until(lambda: house.network.down, 30)
        wire.fault = None
        await asyncio.sleep(3600)
        assert len(credit_frames(house)) == 1
        assert order.state == "UNKNOWN"
        house.network.mend()
        await house.until(lambda: order.state == "DELIVERED", 400)

    house.tell(story)
    assert house.meters[102].applied == [(4, 700)]
    assert len(credit_frames(house)) == 1


def test_an_exchange_that_the_way_kept_too_long_is_dropped() -> None:
    house = ZoneHouse([4])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(30)
        held: list[float] = []
        observe = house.store.arm

        async def arm(**arguments: object) -> object:
            # the permit is given; its frame runs into a stalled router
            permit = await observe(**arguments)  # type: ignore[arg-type]
            if not held:
                held.append(house.clock.monotonic())
                house.network.open[0].hold_until = house.clock.monotonic() + 12
            return permit

        house.store.arm = arm  # type: ignore[assignment,method-assign]
        order = house.store.sell(102, 700)
        await house.until(lambda: house.gateway.zone.carrier.dropped > 0, 60)
        assert credit_frames(house) == []
        await house.until(lambda: order.state == "DELIVERED", 120)

    house.tell(story)
    assert house.meters[102].applied == [(4, 700)]


class _Hand:
    """A head-end moved by hand."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.results: list[Result] = []

    def session_up(self, session: Session) -> None:
        self.session = session

    def session_down(self, session: Session, reason: str) -> None:
        del reason
        if session is self.session:
            self.session = None

    def called(self, session: Session, number: int, body: bytes) -> None:
        session.answer(number, house_roster(body))

    def exchange(self, session: Session, exchange: Exchange, age_s: float) -> None:
        raise AssertionError((session, exchange, age_s))

    def result(self, session: Session, result: Result) -> None:
        del session
        self.results.append(result)


def house_roster(body: bytes) -> bytes:
    """Nothing new."""
    from prewatt.field.headend import wire

    return wire.encode_ok(wire.decode_request(body).id, None)[wire.LENGTH_BYTES :]


def exchange(session: Session, number: int, token: int, *, late_ms: int = 0) -> Exchange:
    frame = modbus.read_request(1, 0x0043, 3)
    return Exchange(number, session.now_ms() - late_ms, 1, 4000, Priority.MONEY, False, token, "rtu", frame)


def test_a_gateway_obeys_no_token_lower_than_one_it_saw_and_no_exchange_twice() -> None:
    house = ZoneHouse([2])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(30)
        hand = _Hand()
        house.network.accept["head-end"] = lambda: Session(hand, house.clock, dialled=False)
        house.network.cut()
        house.network.mend()
        await house.until(lambda: hand.session is not None, 60)
        assert hand.session is not None
        hand.session.send(exchange(hand.session, 1, 7))
        await house.until(lambda: len(hand.results) == 1, 5)
        hand.session.send(exchange(hand.session, 2, 6))
        hand.session.send(exchange(hand.session, 3, 7, late_ms=4100))
        await house.until(lambda: len(hand.results) == 3, 5)
        assert [result.outcome for result in hand.results] == ["answer", "withheld", "withheld"]
        hand.session.send(exchange(hand.session, 3, 7))
        await house.until(lambda: hand.session is None, 5)
        # it is known after a restart as well
        await house.stop_zone()
        house.start_zone()

    house.tell(story)


def test_of_two_head_ends_only_the_holder_of_the_lease_gets_anything_committed() -> None:
    house = ZoneHouse([4])

    async def story(house: ZoneHouse) -> None:
        await asyncio.sleep(30)
        first = house.head
        second = HeadEnd(house.store, house.clock, holder="second", make_link=house.no_link)
        working = asyncio.create_task(second.run())
        await asyncio.sleep(1)
        # the first one does not know yet that it was replaced, and is still connected
        orders = [house.store.sell(101, 100), house.store.sell(102, 200)]
        await asyncio.sleep(8)
        assert first.uplinks.accept(NAME) is None
        house.network.accept["head-end"] = lambda: second.uplinks.accept(NAME)
        await house.until(lambda: all(order.state == "DELIVERED" for order in orders), 120)
        assert {permit.lease_token for order in orders for permit in order.permits} == {house.store.token}
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    house.tell(story)
    assert house.meters[101].applied == [(4, 100)]
    assert house.meters[102].applied == [(4, 200)]
    assert len(credit_frames(house)) == 2
