"""From an order to the frames that carry it: credit, and supply modes. Nothing here decides; it only writes down.

A credit frame is built from what a Permit gives (its number and amount) and from nothing else.
"""

from __future__ import annotations

import struct
from datetime import datetime

from prewatt.core.supply import SupplyMode
from prewatt.meters import dlt645_orders, modbus, vendor20
from prewatt.meters.dlt645_orders import Access, Signer
from prewatt.meters.framing import VENDOR, of
from prewatt.meters.plan import Exchange, Unit
from prewatt.meters.shape import Profile
from prewatt.meters.vocabulary import RANGES

CREDIT_BLOCK = "credit"
MODE_BLOCK = "mode"


class CreditUnsupported(Exception):
    """This model cannot take that credit over the line: says why."""


class ModeUnsupported(Exception):
    """This model cannot be put into that supply mode over the line."""


def credit_class(profile: Profile, signer: Signer | None = None) -> str | None:
    """The class of a model in this house: a DL/T 645 meter's purse is only ours to fill with a signer (A, else C)."""
    if profile.codec == "dlt645" and signer is not None and profile.purse is not None:
        return "A"
    return profile.credit_class


def credit_frame(profile: Profile, unit: Unit, *, n: int, amount: int) -> Exchange:
    """The one frame that carries ``amount`` (fen or Wh, negative gives back) under purchase number ``n``.

    Raises CreditUnsupported when the model has no such register, cannot give credit back, or cannot hold the figures.
    """
    form = profile.credit
    if form is None or isinstance(unit, str):
        raise CreditUnsupported(f"{profile.name} takes no credit over the line")
    if amount < 0 and not profile.returns_credit:
        raise CreditUnsupported(f"{profile.name} gives no credit back")
    if not 1 <= n <= 0xFFFF:
        raise CreditUnsupported(f"purchase number {n} is not 1 to 65535")
    counts, rest = divmod(amount, form.multiplier)
    low, high = RANGES[form.amount_type]
    if amount == 0 or rest or not low <= counts <= high:
        raise CreditUnsupported(f"{profile.name} cannot hold an amount of {amount}")
    words = (*struct.unpack(">HH", struct.pack(">i" if counts < 0 else ">I", counts)), n)
    return Exchange(modbus.write_request(unit, form.address, words), CREDIT_BLOCK, 8)


def signed_credit_frame(
    profile: Profile, unit: Unit, *, n: int, amount: int, customer: str, operator: int, signer: Signer
) -> Exchange:
    """The one frame that carries ``amount`` to a DL/T 645 meter, made with the holder's keys.

    Raises CreditUnsupported when the model has no purse or cannot hold the figures; OSError when the signer cannot.
    """
    if profile.codec != "dlt645" or profile.purse is None or not isinstance(unit, str):
        raise CreditUnsupported(f"{profile.name} takes no signed purchase")
    counts, rest = divmod(amount, 1 if profile.purse == "money" else 10)
    if rest:
        raise CreditUnsupported(f"{profile.name} cannot hold an amount of {amount}")
    try:
        frame = dlt645_orders.recharge_request(
            unit, n=n, amount=counts, customer=customer, operator=operator, signer=signer
        )  # fmt: skip
    except ValueError as error:
        raise CreditUnsupported(str(error)) from error
    return Exchange(frame, CREDIT_BLOCK, 16, of(profile))


def absolute_credit_frame(
    profile: Profile, unit: Unit, *, n: int, remaining: int, serial: str, allow_experimental: bool = False
) -> Exchange:
    """The class B frame: sets remaining credit and purchase number at once, guarded by the meter's number.

    Refused unless whoever calls knows that it is experimental. Raises CreditUnsupported.
    """
    form = profile.absolute
    if form is None or isinstance(unit, str):
        raise CreditUnsupported(f"{profile.name} has no absolute credit")
    if not allow_experimental:
        raise CreditUnsupported(f"{profile.name} is experimental: it sells nothing unless it is allowed to")
    counts, rest = divmod(remaining, form.multiplier)
    if rest or not -(2**31) <= counts < 2**31 or not 1 <= n <= 0xFFFF:
        raise CreditUnsupported(f"{profile.name} cannot hold {remaining} under purchase number {n}")
    if not (serial.isascii() and serial.isdigit() and len(serial) <= 12):
        raise CreditUnsupported("without the meter's number the frame could fill another meter")
    payload = vendor20.fields(
        2 * form.registers,
        {
            form.remaining: counts.to_bytes(4, signed=True),
            form.number: n.to_bytes(2),
            form.serial: bytes.fromhex(serial.zfill(12)),
        },
    )
    return Exchange(vendor20.request(unit, form.area, payload), CREDIT_BLOCK, vendor20.ANSWER_LENGTH, VENDOR)


def refusal(profile: Profile, exception: int) -> str:
    """What an exception to a credit frame means, as a stable word."""
    known = dict(profile.credit.refusals) if profile.credit else {}
    return known.get(exception, f"exception-{exception:02d}")


def mode_frames(
    profile: Profile, unit: Unit, mode: SupplyMode, *, access: Access | None = None, until: datetime | None = None
) -> tuple[Exchange, ...]:
    """The frames that put a meter into a supply mode; the state sweep proves them. Raises ModeUnsupported.

    A DL/T 645 meter wants ``access`` and the moment from which the order is void, by its own clock.
    """
    if profile.modes is None or mode.value not in profile.modes.words:
        raise ModeUnsupported(f"{profile.name} cannot be set to {mode.value} over the line")
    words = profile.modes.words[mode.value]
    if isinstance(unit, str):
        if access is None or until is None:
            raise ModeUnsupported(f"{profile.name} takes no order without a password and a time at which it ends")
        frames = [dlt645_orders.control_request(unit, command, access, until) for command in words]
        return tuple(Exchange(frame, MODE_BLOCK, 16, of(profile)) for frame in frames)
    return (Exchange(modbus.write_request(unit, profile.modes.address, words), MODE_BLOCK, 8),)
