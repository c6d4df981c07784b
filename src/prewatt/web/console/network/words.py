"""Reasons of silence, and breaks of a line, in the words of somebody who goes there with a screwdriver."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from prewatt.core.chain import Break, Suspicion


def reason(word: str) -> str:
    """Why a meter or gateway is out of contact, or an order failed; the bare word when it has none here."""
    known = {
        "timeout": _("no answer"),
        "crc": _("answers arrive damaged"),
        "foreign": _("another device answers"),
        "refused": _("it refuses what we ask"),
        "closed": _("the link breaks off"),
        "reopened": _("the link breaks off"),
        "silent": _("connected, but no meter behind it answers"),
        "no-answer": _("not reached: no answer on the network"),
        "refused-connection": _("not reached: the connection is refused"),
        "cannot-open": _("the port or address cannot be opened"),
        "not-on-roster": _("the head-end cannot read it: see its settings"),
        "too-late": _("nobody carried it out in time"),
        "cancelled": _("stopped"),
    }
    return known.get(word, word)


def tried(rounds: int, word: str) -> str:
    """How often a meter was asked in vain before it counted as lost, and what came instead."""
    said = reason(word)
    if not rounds:
        return said
    asked = ngettext("%(n)s round failed", "%(n)s rounds failed", rounds) % {"n": rounds}
    return f"{asked} · {said}" if said else asked


def break_at(found: Suspicion, places: list[int]) -> str:
    """Where to look. ``places``: the devices' places in the chain."""
    if found.kind is Break.HEAD:
        return _("Nobody answers: look at the gateway's port and the cable to the first device")
    if found.kind is Break.JOINT:
        ends = {"after": places[found.after], "before": places[found.before]}
        return _("Broken between device %(after)s and device %(before)s") % ends
    return ""
