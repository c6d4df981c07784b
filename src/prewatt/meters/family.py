"""A profile that differs from another of the house in a few places says only those: ``extends = "name"``.

Tables are merged key by key; lists of tables ([[block]], [[setting]]) entry by entry of the same name; everything else
is replaced. ``drop`` names sections of the other that this one does not have.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from prewatt.meters import shelf
from prewatt.meters.shape import Problem

_DEEPEST = 3


def grown(document: dict[str, Any], problems: list[Problem], depth: int = 0) -> dict[str, Any]:
    """The document with what it extends, or as it is when it extends nothing."""
    name = document.get("extends")
    if name is None:
        return document
    if not isinstance(name, str) or depth >= _DEEPEST:
        problems.append(Problem("extends", f"{name!r} is not the name of a profile of the house"))
        return document
    try:
        base = tomllib.loads(shelf.text(name).decode())
    except KeyError:
        problems.append(Problem("extends", f"there is no profile {name!r} in the house"))
        return document
    base = grown(base, problems, depth + 1)
    own = {key: value for key, value in document.items() if key not in ("extends", "drop")}
    for section in _dropped(document, base, problems):
        base.pop(section, None)
    return _merged(base, own)


def _dropped(document: Mapping[str, Any], base: Mapping[str, Any], problems: list[Problem]) -> list[str]:
    dropped = document.get("drop", [])
    if not isinstance(dropped, list) or any(name not in base for name in dropped):
        problems.append(Problem("drop", "must be a list of sections that the other profile has"))
        return []
    return dropped


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in own.items():
        before = found.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            found[key] = _merged(before, value)
        elif _named(value) and _named(before):
            found[key] = _by_name(before, value)
        else:
            found[key] = value
    return found


def _named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "name" in one for one in value)


def _by_name(base: Any, own: Any) -> list[Any]:
    replaced = {one["name"]: one for one in own}
    kept = [replaced.pop(one["name"], one) for one in base]
    return kept + [one for one in own if one["name"] in replaced]
