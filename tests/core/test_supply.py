"""The state of a unit: one precedence for every page, as a table."""

from __future__ import annotations

import itertools

import pytest

from prewatt.core.supply import AlarmLevels, Contact, ContactorState, MeterFlag, SupplyMode, UnitState, unit_state

LEVELS = AlarmLevels(low_1=5_000, low_2=2_000)
CLOSED, OPEN, HIDDEN = ContactorState.CLOSED, ContactorState.OPEN, ContactorState.UNKNOWN
PREPAID, HELD, OFF = SupplyMode.PREPAID, SupplyMode.HELD_ON, SupplyMode.FORCED_OFF
NONE = MeterFlag(0)


def state(
    credit: int | None,
    contactor: ContactorState = CLOSED,
    mode: SupplyMode = PREPAID,
    flags: MeterFlag = NONE,
    contact: Contact = Contact.OK,
    *,
    opened: bool = True,
) -> UnitState:
    return unit_state(
        opened=opened, contact=contact, mode=mode, contactor=contactor, credit=credit, levels=LEVELS, flags=flags
    )


@pytest.mark.parametrize(
    ("credit", "contactor", "mode", "flags", "expected"),
    [
        (10_000, CLOSED, PREPAID, NONE, UnitState.WELL),
        (5_000, CLOSED, PREPAID, NONE, UnitState.WELL),
        (4_999, CLOSED, PREPAID, NONE, UnitState.LOW_1),
        (2_000, CLOSED, PREPAID, NONE, UnitState.LOW_1),
        (1_999, CLOSED, PREPAID, NONE, UnitState.LOW_2),
        (1, CLOSED, PREPAID, NONE, UnitState.LOW_2),
        (0, CLOSED, PREPAID, NONE, UnitState.ON_OVERDRAFT),
        (-1, CLOSED, PREPAID, NONE, UnitState.ON_OVERDRAFT),
        (0, OPEN, PREPAID, NONE, UnitState.OFF_EMPTY),
        (-100, OPEN, PREPAID, MeterFlag.ARREARS, UnitState.OFF_EMPTY),
        (-100, HIDDEN, PREPAID, MeterFlag.ARREARS, UnitState.ON_OVERDRAFT),
        # the meter's own word counts beside our levels
        (10_000, CLOSED, PREPAID, MeterFlag.LOW_1, UnitState.LOW_1),
        (10_000, CLOSED, PREPAID, MeterFlag.LOW_1 | MeterFlag.LOW_2, UnitState.LOW_2),
        # open for another reason than the purse: the colour tells the purse, the contactor is shown beside it
        (10_000, OPEN, PREPAID, MeterFlag.OVERLOAD, UnitState.WELL),
        # held on: lit without a purse
        (-100, CLOSED, HELD, NONE, UnitState.ON_OVERDRAFT),
        (10_000, CLOSED, HELD, NONE, UnitState.WELL),
        (10_000, OPEN, OFF, NONE, UnitState.FORCED_OFF),
        (-100, OPEN, OFF, MeterFlag.ARREARS, UnitState.FORCED_OFF),
    ],
)
def test_the_state_of_a_meter_in_contact(
    credit: int, contactor: ContactorState, mode: SupplyMode, flags: MeterFlag, expected: UnitState
) -> None:
    assert state(credit, contactor, mode, flags) is expected


def test_out_of_contact_comes_before_everything_that_was_read() -> None:
    for credit, contactor, mode in itertools.product((None, -1, 10_000), ContactorState, SupplyMode):
        assert state(credit, contactor, mode, contact=Contact.OUT) is UnitState.OUT_OF_CONTACT


def test_a_meter_that_was_never_read_is_out_of_contact() -> None:
    assert state(None) is UnitState.OUT_OF_CONTACT


def test_while_its_gateway_is_away_a_meter_keeps_its_last_state() -> None:
    assert state(1_999, contact=Contact.UNKNOWN) is UnitState.LOW_2


def test_not_opened_stands_apart() -> None:
    for credit, contact, mode in itertools.product((None, -1, 10_000), Contact, SupplyMode):
        assert state(credit, OPEN, mode, contact=contact, opened=False) is UnitState.NOT_OPENED
