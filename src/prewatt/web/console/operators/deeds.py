"""Words for what the log records: one for each action code a service writes."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

AREAS: dict[str, str] = {
    "vend": _("sales"),
    "customers": _("customers"),
    "controls": _("supply and reading"),
    "estate": _("estate"),
    "site": _("site defaults"),
    "operators": _("operators and roles"),
    "sign": _("signing in and out"),
    "list": _("exports"),
}

ACTIONS: dict[str, str] = {
    "list.export": _("list exported"),
}


def deeds() -> dict[str, str]:
    """All known actions in the reader's language."""
    return {code: gettext(words) for code, words in ACTIONS.items()}


def deed(action: str) -> str:
    """An action in the reader's language; the bare code for one that has no words yet."""
    words = ACTIONS.get(action)
    return gettext(words) if words else action
