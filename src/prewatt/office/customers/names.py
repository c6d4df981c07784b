"""How a name is found by its pinyin initials: ``lhxmd`` finds 老何小面店."""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin

LONGEST = 80


def initials(name: str) -> str:
    """First letters of a name's syllables, in lower case; letters and digits stay as they are."""
    parts = lazy_pinyin(name, style=Style.FIRST_LETTER, errors=_letters)
    return "".join(parts).lower()[:LONGEST]


def _letters(text: str) -> str:
    return "".join(mark for mark in text if mark.isalnum())
