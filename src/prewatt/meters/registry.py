"""The profiles that come with the house, each read once when first asked for."""

from __future__ import annotations

from functools import cache

from prewatt.meters import profile as profiles
from prewatt.meters import shelf


class UnknownProfile(KeyError):
    """No profile of that name."""

    def __str__(self) -> str:
        return f"no register profile {self.args[0]!r}; known: {', '.join(names())}"


def names(*, experimental: bool = False) -> tuple[str, ...]:
    """Names of all profiles, sorted. The experimental ones are never offered: they must be asked for."""
    return shelf.names() + (shelf.names(experimental=True) if experimental else ())


@cache
def get(name: str) -> profiles.Profile:
    """The profile of that name. Raises UnknownProfile, or ProfileError when its file has a mistake."""
    try:
        content = shelf.text(name)
    except KeyError:
        raise UnknownProfile(name) from None
    return profiles.load(content, name)
