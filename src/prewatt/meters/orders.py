"""From an order to the frames that carry it: credit, and supply modes. Nothing here decides; it only writes down.

A credit frame is built from what a Permit gives (its number and amount) and from nothing else.
"""

from __future__ import annotations

import struct

from prewatt.core.supply import SupplyMode
from prewatt.meters import modbus
from prewatt.meters.plan import Exchange
from prewatt.meters.shape import Profile
from prewatt.meters.vocabulary import RANGES

CREDIT_BLOCK = "credit"
MODE_BLOCK = "mode"


class CreditUnsupported(Exception):
    """This model cannot take that credit over the line: says why."""


class ModeUnsupported(Exception):
    """This model cannot be put into that supply mode over the line."""


def credit_frame(profile: Profile, unit: int, *, n: int, amount: int) -> Exchange:
    """The one frame that carries ``amount`` (fen or Wh, negative gives back) under purchase number ``n``.

    Raises CreditUnsupported when the model has no such register, cannot give credit back, or cannot hold the figures.
    """
    form = profile.credit
    if form is None:
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


def refusal(profile: Profile, exception: int) -> str:
    """What an exception to a credit frame means, as a stable word."""
    known = dict(profile.credit.refusals) if profile.credit else {}
    return known.get(exception, f"exception-{exception:02d}")


def mode_frames(profile: Profile, unit: int, mode: SupplyMode) -> tuple[Exchange, ...]:
    """The frames that put a meter into a supply mode; the state sweep proves them. Raises ModeUnsupported."""
    if profile.modes is None or mode.value not in profile.modes.words:
        raise ModeUnsupported(f"{profile.name} cannot be set to {mode.value} over the line")
    words = profile.modes.words[mode.value]
    return (Exchange(modbus.write_request(unit, profile.modes.address, words), MODE_BLOCK, 8),)
