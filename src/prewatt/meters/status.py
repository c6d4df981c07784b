"""From a meter's status bits to the words of the house: contactor, supply mode, flags.

The relay bits are the truth about the contactor: closed when any relay of the meter's phases is. The four control
groups (purse, load, time, force) tell why it is open; when force is on, it alone decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from prewatt.core.supply import ContactorState, MeterFlag, SupplyMode
from prewatt.meters.row import CONTACTOR_CODES, MODE_CODES


class Status(NamedTuple):
    """The three columns of a row that come from status bits."""

    contactor: int  # index into CONTACTOR_CODES
    mode: int  # index into MODE_CODES
    flags: int  # MeterFlag


UNKNOWN = Status(CONTACTOR_CODES.index("unknown"), MODE_CODES.index("prepaid"), 0)

_PLAIN = {
    "fault": MeterFlag.FAULT,
    "arrears": MeterFlag.ARREARS,
    "low_1": MeterFlag.LOW_1,
    "low_2": MeterFlag.LOW_2,
    "over_limit": MeterFlag.OVERLOAD,
    "prepaid_enabled": MeterFlag.PREPAID_ENABLED,
}
_GROUPS = {
    "prepaid": MeterFlag.PREPAID_OPEN,
    "load": MeterFlag.LOAD_CONTROL_OPEN,
    "time": MeterFlag.TIME_CONTROL_OPEN,
}


def status(bits: Mapping[str, bool], phases: int, *, funded: bool = False) -> Status:
    """What the bits of one poll mean for a meter of that many phases. ``funded``: it holds credit."""
    return Status(
        CONTACTOR_CODES.index(_contactor(bits, phases).value), MODE_CODES.index(_mode(bits, phases, funded).value),
        int(_flags(bits, phases)),
    )  # fmt: skip


def _contactor(bits: Mapping[str, bool], phases: int) -> ContactorState:
    if "relay_open" in bits:
        return ContactorState.OPEN if bits["relay_open"] else ContactorState.CLOSED
    relays = _phases(bits, "relay", phases)
    if not relays:
        return ContactorState.UNKNOWN
    return ContactorState.CLOSED if any(relays) else ContactorState.OPEN


def _mode(bits: Mapping[str, bool], phases: int, funded: bool) -> SupplyMode:
    if bits.get("force_open"):
        return SupplyMode.FORCED_OFF
    if bits.get("force_close") or bits.get("keep_power"):
        return SupplyMode.HELD_ON
    if bits.get("trip_ordered") and (funded or not bits.get("prepaid_enabled")):
        # a meter with a purse of its own orders the trip itself when that is empty: then nobody forced it
        return SupplyMode.FORCED_OFF
    if not bits.get("forced_enabled"):
        return SupplyMode.PREPAID
    return SupplyMode.HELD_ON if any(_phases(bits, "forced_closed", phases)) else SupplyMode.FORCED_OFF


def _flags(bits: Mapping[str, bool], phases: int) -> MeterFlag:
    flags = MeterFlag(0)
    for name, flag in _PLAIN.items():
        if bits.get(name):
            flags |= flag
    for group, flag in _GROUPS.items():
        closed = _phases(bits, f"{group}_closed", phases)
        if bits.get(f"{group}_enabled") and closed and not all(closed):
            flags |= flag
    return flags


def _phases(bits: Mapping[str, bool], group: str, phases: int) -> list[bool]:
    return [bits[name] for phase in "abc"[:phases] if (name := f"{group}_{phase}") in bits]
