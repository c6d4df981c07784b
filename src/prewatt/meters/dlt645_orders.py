"""Frames of DL/T 645-2007 that change something: time, writes, the contactor, a purchase signed by a security module.

Trip and close need a password class; most grid meters take them only enciphered (class 98, for which there is no code
here: the keys are the utility's). A purchase needs MACs that only the holder of the keys can make: a ``Signer``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from prewatt.meters import dlt645
from prewatt.meters.dlt645 import WAKES, build, identifier_bytes
from prewatt.meters.dlt645_words import packed

RECHARGE = 0x070102FF
PLAIN_CLASSES = (0x02, 0x03, 0x04)
RESTORE_STEP_S = 300

TRIP, CLOSE_ALLOWED, CLOSE, TRIP_RESTORE, CLOSE_ALLOWED_RESTORE = 0x1A, 0x1B, 0x1C, 0x1D, 0x1E
ALARM_ON, ALARM_OFF, KEEP_ON, KEEP_OFF = 0x2A, 0x2B, 0x3A, 0x3B
COMMANDS: Mapping[str, int] = {
    "trip": TRIP, "close-allowed": CLOSE_ALLOWED, "close": CLOSE, "trip-restore": TRIP_RESTORE,
    "trip-restore-allowed": CLOSE_ALLOWED_RESTORE, "alarm-on": ALARM_ON, "alarm-off": ALARM_OFF, "keep-on": KEEP_ON,
    "keep-off": KEEP_OFF,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Access:
    """Leave to change something: password class (PA), six digits of password, operator code. Never a constant here."""

    level: int
    password: str
    operator: int = 0

    def __post_init__(self) -> None:
        if self.level not in PLAIN_CLASSES:
            raise ValueError(f"password class {self.level:02X} is not one sent in clear (02, 03, 04)")
        if not (self.password.isascii() and self.password.isdigit() and len(self.password) == 6):
            raise ValueError("a password has six digits")
        if not 0 <= self.operator < 1 << 32:
            raise ValueError("an operator code has four bytes")

    @property
    def raw(self) -> bytes:
        """PA P0 P1 P2 C0..C3 as they travel."""
        return bytes((self.level,)) + bytes.fromhex(self.password)[::-1] + self.operator.to_bytes(4, "little")

    def __repr__(self) -> str:
        """Without the password: this may end in a log."""
        return f"Access(level={self.level:02X}, operator={self.operator:08X})"


def broadcast_time(civil: datetime, *, wakes: int = WAKES) -> bytes:
    """Set the clocks of all meters on the line to the site's civil time (C = 08); nobody answers.

    The standard counts the six bytes as one item YYMMDDhhmmss, low byte first: seconds travel first.
    """
    return build(dlt645.BROADCAST, dlt645.TIME, _stamp(civil), wakes=wakes)


def write_request(address: str, identifier: int, data: bytes, access: Access, *, wakes: int = WAKES) -> bytes:
    """Write a data item (C = 14). Raises ValueError when it is too long."""
    content = identifier_bytes(identifier) + access.raw + data
    if len(content) > dlt645.MAX_WRITE_DATA:
        raise ValueError(f"{len(content)} bytes are more than {dlt645.MAX_WRITE_DATA}")
    return build(address, dlt645.WRITE, content, wakes=wakes)


def control_request(
    address: str, command: int, access: Access, until: datetime, *, restore_s: int = 0, wakes: int = WAKES
) -> bytes:
    """Trip, close, alarm or keep power (C = 1C), void after ``until`` (civil time of the meter's clock).

    ``restore_s``: for the trips that close again by themselves, in steps of five minutes. Raises ValueError.
    """
    if command not in COMMANDS.values():
        raise ValueError(f"{command:02X} is no command")
    steps, rest = divmod(restore_s, RESTORE_STEP_S)
    restoring = command in (TRIP_RESTORE, CLOSE_ALLOWED_RESTORE)
    if rest or steps > 0xFF or bool(steps) != restoring:
        raise ValueError(f"{restore_s} s is no time to restore after: steps of {RESTORE_STEP_S} s, only with 1D and 1E")
    content = access.raw + bytes((command, steps)) + _stamp(until)
    return build(address, dlt645.CONTROL, content, wakes=wakes)


def _stamp(civil: datetime) -> bytes:
    """Ss mm hh DD MM YY as packed decimals."""
    parts = (civil.second, civil.minute, civil.hour, civil.day, civil.month, civil.year % 100)
    return b"".join(packed(part, 1) for part in parts)


# -- a purchase -------------------------------------------------------------------------------------------------------


class Signer(Protocol):
    """Whoever holds the utility's keys: an encryptor, a key card. Without one a meter of this family is class C."""

    def sign(self, address: str, content: bytes) -> bytes:
        """The four bytes of MAC over a part of a purchase for one meter. Raises OSError when it cannot."""


def recharge_request(
    address: str, *, n: int, amount: int, customer: str, operator: int, signer: Signer, wakes: int = WAKES
) -> bytes:
    """A purchase of ``amount`` (fen or 0.01 kWh) under purchase number ``n`` (C = 03, 070102FF).

    Form: operator 4, amount 4, count 4, MAC 4, customer number 6, MAC 4; numbers binary, low byte first. It is taken
    only when ``n`` is the meter's count + 1, so a repeated frame is harmless. Raises ValueError out of limits.
    """
    if not 0 < amount < 1 << 32 or not 0 < n < 1 << 32:
        raise ValueError(f"a purchase of {amount} under number {n} cannot be written")
    if not (customer.isascii() and customer.isdigit() and len(customer) <= 12):
        raise ValueError(f"customer number {customer!r} is not up to 12 decimal digits")
    purchase = amount.to_bytes(4, "little") + n.to_bytes(4, "little")
    number = bytes.fromhex(customer.zfill(12))[::-1]
    content = (
        operator.to_bytes(4, "little")
        + purchase + _mac(signer, address, purchase)
        + number + _mac(signer, address, number)
    )  # fmt: skip
    return build(address, dlt645.SECURITY, identifier_bytes(RECHARGE) + content, wakes=wakes)


def _mac(signer: Signer, address: str, content: bytes) -> bytes:
    mac = signer.sign(address, content)
    if len(mac) != 4:
        raise ValueError(f"a MAC has four bytes, not {len(mac)}")
    return mac
