"""Scanning a line and calling a gateway anew, by the real head-end over scripted wires in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from prewatt.field.headend.store import Found, GatewayEntry, LineEntry, RosterData
from prewatt.field.links.memory import MemoryLink
from prewatt.meters import dlt645
from tests.fakes import FakeControl, FakeMeter
from tests.field.headend.house import PROFILE, House

STRANGER = "000000000777"


def scan(house: House, first: int, last: int, settings: str = "9600N") -> FakeControl:
    return house.store.order(
        "scan", gateway_id=1, line_id=1, body={"from": first, "to": last, "settings": settings}, deadline_ms=0
    )


def addresses(control: FakeControl) -> list[int]:
    return sorted(one.address for one in control.found)


def test_a_scan_finds_who_is_there_and_the_round_goes_on() -> None:
    house = House([3])
    house.wires[1].meters.append(FakeMeter(9, STRANGER))  # nobody entered it

    async def story(house: House) -> None:
        await house.until(lambda: len(house.store.latest) == 3, 30)
        before = len(house.links[1].sent)
        control = scan(house, 1, 12)
        await house.until(lambda: control.outcome != "", 60)
        assert (control.outcome, control.asked, addresses(control)) == ("done", 12, [1, 2, 3, 9])
        assert control.found[-1] == Found(9600, "N", 9, PROFILE, "", 7, STRANGER)
        polls = sum(frame[2:4] == b"\x02\x00" and frame[5] == 48 for _, frame in house.links[1].sent[before:])
        assert polls > 20  # the living ones were read all the while
        assert house.store.contact_of("meter", 101) == ["ok"]

    house.live(story)


def test_a_scan_tells_how_far_it_is_and_stops_when_cancelled() -> None:
    house = House([1])

    async def story(house: House) -> None:
        await house.until(lambda: len(house.store.latest) == 1, 30)
        control = scan(house, 1, 247)
        await house.until(lambda: control.asked > 3, 60)
        control.cancelled = True
        await house.until(lambda: control.outcome != "", 10)
        assert (control.outcome, control.reason) == ("failed", "cancelled")
        assert control.asked < 30
        assert addresses(control) == [1]

    house.live(story)


def test_a_device_that_refuses_our_registers_is_found_without_a_profile() -> None:
    house = House([2])
    house.meters[102].illegal = set(range(0x10000))

    async def story(house: House) -> None:
        control = scan(house, 1, 3)
        await house.until(lambda: control.outcome != "", 60)
        assert addresses(control) == [1, 2]
        assert [one for one in control.found if one.address == 2] == [Found(9600, "N", 2)]

    house.live(story)


def test_a_dlt645_meter_tells_its_number() -> None:
    house = House([1])

    def with_645(frame: bytes, arriving: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
        asked = dlt645.open_frame(frame)
        if asked is None:
            return arriving
        if asked.function == dlt645.READ_ADDRESS:
            return [(0.1, dlt645.answer(asked, "000000001234", dlt645.address_bytes("000000001234")))]
        return [(0.1, dlt645.refusal(asked, "000000001234", b"\x02"))]

    house.wires[1].fault = with_645

    async def story(house: House) -> None:
        control = scan(house, 2, 2)
        await house.until(lambda: control.outcome != "", 60)
        assert control.found == [Found(9600, "N", 0, "", "", -1, "000000001234")]

    house.live(story)


class Port(House):
    """A serial port whose meters hear only one speed and parity."""

    speaks: tuple[int, str] = (9600, "N")

    def make_link(self, gateway: GatewayEntry, line: LineEntry) -> MemoryLink:
        link = super().make_link(gateway, line)
        if (line.baud, line.parity) != self.speaks:
            link._respond = lambda _frame: iter(())
        return link


def test_another_speed_takes_the_port_and_gives_it_back() -> None:
    house = Port([2])
    house.speaks = (4800, "E")
    gateway = house.store.data.gateways[0]
    house.store.data = RosterData(1, (replace(gateway, kind="serial", device="/dev/ttyS0"),))

    async def story(house: House) -> None:
        await asyncio.sleep(5)
        control = scan(house, 1, 14, "9600N,4800E")
        await house.until(lambda: control.outcome != "", 120)
        assert (control.outcome, control.asked) == ("done", 28)
        assert [(one.baud, one.parity, one.address) for one in control.found] == [(4800, "E", 1), (4800, "E", 2)]

    house.live(story)


def test_the_line_is_read_again_between_and_after_other_speeds() -> None:
    house = Port([2])
    gateway = house.store.data.gateways[0]
    house.store.data = RosterData(1, (replace(gateway, kind="serial", device="/dev/ttyS0"),))

    async def story(house: House) -> None:
        await house.until(lambda: len(house.store.latest) == 2, 30)
        control = scan(house, 1, 30, "4800E")
        await house.until(lambda: control.outcome != "", 120)
        assert (control.outcome, control.found) == ("done", [])
        ended = house.clock.now().timestamp() * 1000
        between = [row.at_ms for row in house.store.readings if ended - 25_000 < row.at_ms < ended - 5_000]
        assert between  # given back after twelve addresses
        await house.until(lambda: min(row.at_ms for row in house.store.latest.values()) > ended, 10)
        assert house.store.contact_of("meter", 101) == ["ok"]

    house.live(story)


def test_a_line_that_is_not_there_cannot_be_scanned() -> None:
    house = House([1])

    async def story(house: House) -> None:
        control = house.store.order("scan", gateway_id=1, line_id=99, body={"from": 1, "to": 2, "settings": ""})
        await house.until(lambda: control.outcome != "", 10)
        assert (control.outcome, control.reason) == ("failed", "not-on-roster")

    house.live(story)


def test_a_lost_store_delays_the_report_of_a_scan_and_loses_nothing() -> None:
    house = House([2])

    async def story(house: House) -> None:
        await house.until(lambda: len(house.store.latest) == 2, 30)
        control = scan(house, 1, 20)
        await house.until(lambda: control.asked > 0 or bool(control.claimed), 30)
        house.store.away = True
        await asyncio.sleep(6)
        house.store.away = False
        await house.until(lambda: control.outcome != "", 60)
        assert addresses(control) == [1, 2]

    house.live(story)


def test_a_gateway_is_called_at_once() -> None:
    house = House([2])

    async def story(house: House) -> None:
        await house.until(lambda: len(house.store.latest) == 2, 30)
        control = house.store.order("reconnect", gateway_id=1)
        await house.until(lambda: control.outcome != "", 20)
        assert (control.outcome, house.links[1].reopened) == ("done", 1)

    house.live(story)


def test_a_gateway_that_stays_away_is_told_so() -> None:
    house = House([2])

    async def story(house: House) -> None:
        await house.until(lambda: len(house.store.latest) == 2, 30)
        house.links[1].break_off("no-answer")
        control = house.store.order("reconnect", gateway_id=1)
        await house.until(lambda: control.outcome != "", 30)
        assert (control.outcome, control.reason) == ("failed", "no-answer")
        unknown = house.store.order("reconnect", gateway_id=77)
        await house.until(lambda: unknown.outcome != "", 10)
        assert unknown.reason == "not-on-roster"

    house.live(story)
