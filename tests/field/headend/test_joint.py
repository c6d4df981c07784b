"""A joint broken at place 18 of a line is named from what the head-end tells, and nobody else is blamed."""

from __future__ import annotations

from prewatt.core.chain import Break, Suspicion, suspect
from prewatt.core.supply import Contact
from tests.field.headend.house import House


def contacts(house: House, line: int, count: int) -> list[Contact]:
    """The newest contact of each meter of a line, in chain order."""
    newest = {change.ref: Contact(change.contact) for change in house.store.contacts if change.kind == "meter"}
    return [newest.get(100 * line + unit, Contact.UNKNOWN) for unit in range(1, count + 1)]


def test_a_joint_broken_at_place_18_is_named_and_heals() -> None:
    house = House([24, 2], per_gateway=2)

    async def story(house: House) -> None:
        await house.until(lambda: contacts(house, 1, 24) == [Contact.OK] * 24, 60)
        for unit in range(18, 25):
            house.meters[100 + unit].dead = True
        await house.until(lambda: contacts(house, 1, 24)[17:] == [Contact.OUT] * 7, 300)
        found = suspect(contacts(house, 1, 24))
        assert found == Suspicion(Break.JOINT, after=16, before=17, silent=7)
        assert suspect(contacts(house, 2, 2)).kind is Break.NONE
        assert house.store.contact_of("gateway", 1) == ["ok"]
        for unit in range(18, 25):
            house.meters[100 + unit].dead = False
        await house.until(lambda: suspect(contacts(house, 1, 24)).kind is Break.NONE, 120)

    house.live(story)


def test_a_dead_port_of_the_gateway_is_the_lines_head() -> None:
    house = House([8, 2], per_gateway=2)

    async def story(house: House) -> None:
        await house.until(lambda: contacts(house, 1, 8) == [Contact.OK] * 8, 60)
        for unit in range(1, 9):
            house.meters[100 + unit].dead = True
        await house.until(lambda: contacts(house, 1, 8) == [Contact.OUT] * 8, 300)
        assert suspect(contacts(house, 1, 8)) == Suspicion(Break.HEAD, before=0, silent=8)

    house.live(story)


def test_a_lost_gateway_says_nothing_of_the_cable() -> None:
    house = House([4])

    async def story(house: House) -> None:
        await house.until(lambda: contacts(house, 1, 4) == [Contact.OK] * 4, 60)
        for meter in house.meters.values():
            meter.dead = True
        await house.until(lambda: house.store.contact_of("gateway", 1) == ["ok", "out"], 300)
        assert suspect(contacts(house, 1, 4)).kind is Break.NONE

    house.live(story)
