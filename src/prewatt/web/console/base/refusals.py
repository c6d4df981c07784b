"""What the office's refusals say to the person in front of the screen, in that person's language."""

from __future__ import annotations

from django.utils.translation import gettext

from prewatt.core.errors import Refusal


def said(refusal: Refusal) -> str:
    """The refusal's message, translated, with its parameters filled in."""
    text = gettext(refusal.message)
    return text % refusal.params if refusal.params else text
