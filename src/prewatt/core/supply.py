"""Whether a unit has power, by whose will, and how its tile is coloured: one precedence for every page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum


class ContactorState(StrEnum):
    """Position of the relay inside the meter (分合闸)."""

    CLOSED = "closed"
    OPEN = "open"
    UNKNOWN = "unknown"


class SupplyMode(StrEnum):
    """Who decides about the contactor: the purse, or a person. A mode, not a command (保电 · 恢复预付费 · 强制断电)."""

    PREPAID = "prepaid"
    HELD_ON = "held-on"
    FORCED_OFF = "forced-off"


class Contact(StrEnum):
    """Whether a meter or gateway answers. UNKNOWN: its gateway is away, or it was never asked."""

    OK = "ok"
    OUT = "out"
    UNKNOWN = "unknown"


class MeterFlag(IntFlag):
    """Alarm and status bits of a prepaid meter, as one word that every profile maps its own bits to."""

    FAULT = 1
    ARREARS = 2
    LOW_1 = 4
    LOW_2 = 8
    OVERLOAD = 16
    PREPAID_ENABLED = 32
    LOAD_CONTROL_OPEN = 64
    TIME_CONTROL_OPEN = 128
    PREPAID_OPEN = 256


NO_FLAGS = MeterFlag(0)


class UnitState(StrEnum):
    """State of a unit or meter, in order of precedence; NOT_OPENED stands apart."""

    OUT_OF_CONTACT = "out-of-contact"
    FORCED_OFF = "forced-off"
    OFF_EMPTY = "off-empty"
    ON_OVERDRAFT = "on-overdraft"
    LOW_2 = "low-2"
    LOW_1 = "low-1"
    WELL = "well"
    NOT_OPENED = "not-opened"


@dataclass(frozen=True, slots=True)
class AlarmLevels:
    """Credit levels in the purse's own unit (fen or Wh) below which a meter counts as low."""

    low_1: int
    low_2: int


def unit_state(
    *,
    opened: bool,
    contact: Contact,
    mode: SupplyMode,
    contactor: ContactorState,
    credit: int | None,
    levels: AlarmLevels,
    flags: MeterFlag = NO_FLAGS,
) -> UnitState:
    """The state a tile shows. ``credit`` is remaining credit in fen or Wh, None when it was never read."""
    if not opened:
        return UnitState.NOT_OPENED
    if contact is Contact.OUT or credit is None:
        return UnitState.OUT_OF_CONTACT
    if mode is SupplyMode.FORCED_OFF:
        return UnitState.FORCED_OFF
    if contactor is ContactorState.OPEN and (credit <= 0 or MeterFlag.ARREARS in flags):
        return UnitState.OFF_EMPTY
    if credit <= 0:
        return UnitState.ON_OVERDRAFT
    if credit < levels.low_2 or MeterFlag.LOW_2 in flags:
        return UnitState.LOW_2
    if credit < levels.low_1 or MeterFlag.LOW_1 in flags:
        return UnitState.LOW_1
    return UnitState.WELL
