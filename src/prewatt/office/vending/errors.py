"""What the counter is told when a sale or a change of an order cannot be."""

from __future__ import annotations

from prewatt.core.errors import Refusal
from prewatt.core.money import Money


class LeaseLost(Exception):
    """The head-end that asks no longer commands that gateway: another one took over, or its lease ran out."""


def key_reused() -> Refusal:
    return Refusal("key-reused", "This form was already used for another sale. Open a new one.")


def not_supplied() -> Refusal:
    return Refusal("not-supplied", "This unit has no open supply through that meter.")


def takes_no_credit() -> Refusal:
    return Refusal("takes-no-credit", "Credit cannot be sold for this model of meter.")


def amount_limits(least: Money, most: Money) -> Refusal:
    return Refusal("amount-limits", "The amount must be between %(least)s and %(most)s.", least=least, most=most)


def over_ceiling(room: Money) -> Refusal:
    return Refusal("over-ceiling", "The meter can hold only %(room)s more.", room=room)


def looks_double(number: str) -> Refusal:
    return Refusal(
        "looks-double",
        "The same amount was sold for this meter within the last two minutes (order %(number)s). Sell it again?",
        number=number,
    )


def not_cancellable() -> Refusal:
    return Refusal("not-cancellable", "Only an order that has not gone to the meter can be cancelled.")


def not_proven_unapplied() -> Refusal:
    return Refusal(
        "not-proven-unapplied", "It is not yet proven that the meter did not take this order. Try again in a minute."
    )


def not_refused() -> Refusal:
    return Refusal("not-refused", "Only an order that the meter refused can be sent again.")


def unknown_method() -> Refusal:
    return Refusal("unknown-method", "This way of paying is not known.")


def outside_scope() -> Refusal:
    return Refusal("outside-scope", "This lies outside the part of the building that you work for.")
