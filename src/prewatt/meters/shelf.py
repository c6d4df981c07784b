"""The files of the profiles that come with the house: by name, the experimental ones in a drawer of their own."""

from __future__ import annotations

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

_DRAWERS = ("", "experimental")


@cache
def names(*, experimental: bool = False) -> tuple[str, ...]:
    """Names of the profiles, sorted; the blueprint to copy is none of them."""
    return tuple(sorted(_drawer("experimental" if experimental else "")))


def text(name: str) -> bytes:
    """A profile's file, wherever it lies. Raises KeyError."""
    for drawer in _DRAWERS:
        found = _drawer(drawer).get(name)
        if found is not None:
            return found.read_bytes()
    raise KeyError(name)


@cache
def _drawer(name: str) -> dict[str, Traversable]:
    folder = resources.files("prewatt.meters").joinpath("profiles")
    files = (folder.joinpath(name) if name else folder).iterdir()
    found = [file for file in files if file.name.endswith(".toml") and file.name[0] != "_"]
    return {file.name.removesuffix(".toml"): file for file in found}
