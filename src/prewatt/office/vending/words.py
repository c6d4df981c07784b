"""The stable words of orders in the reader's language: why one waits, and how it ended."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, Promise | str] = {
    "": "",
    "sold": _("paid"),
    "again": _("sent again by an operator"),
    "sending": _("on its way to the meter"),
    "sending-again": _("sent to the meter once more"),
    "silent": _("the meter does not answer"),
    "no-identity": _("the meter does not tell its serial number"),
    "no-total": _("the meter did not tell its total of purchases"),
    "log-unread": _("the meter's purchase log must be read"),
    "stale": _("waiting for a newer reading"),
    "in-flight": _("another order of this meter is being proven"),
    "overtaken": _("another step of this order came first"),
    "disagrees": _("the meter shows another purchase count or total than the ledger"),
    "purse-stopped": _("the purse is stopped: the meter and the ledger disagree"),
    "other-serial": _("another meter answers at this address"),
    "count-full": _("the meter's purchase count is full"),
    "not-applied": _("the meter has not taken it yet"),
    "meter-refused": _("the meter refused it"),
    "no-effect": _("sent five times without effect"),
    "count-and-total": _("proven by purchase count and total"),
    "purchase-log": _("proven by the meter's purchase log"),
    "foreign-total": _("the total changed without our order"),
    "foreign-count": _("somebody else's purchase is on the meter"),
    "foreign-purchase": _("somebody else's purchase is on the meter"),
    "torn-or-foreign": _("the count is ours but the total is not"),
    "reset": _("the meter's purchase count went back"),
    "seen-after-all": _("it seems to have arrived late; being proven"),
    "cancelled": _("cancelled by an operator"),
}


def reason_text(reason: str) -> str:
    """What a reason means, translated; the word itself when it is not known."""
    return str(REASONS.get(reason, reason))
