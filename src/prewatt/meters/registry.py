"""The profiles that come with the house, each read once when first asked for."""

from __future__ import annotations

from functools import cache
from importlib import resources

from prewatt.meters import profile as profiles


class UnknownProfile(KeyError):
    """No profile of that name."""

    def __str__(self) -> str:
        return f"no register profile {self.args[0]!r}; known: {', '.join(names())}"


@cache
def names() -> tuple[str, ...]:
    """Names of all profiles, sorted; the blueprint to copy is none of them."""
    files = [file.name for file in _folder().iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml") and name[0] != "_"))


@cache
def get(name: str) -> profiles.Profile:
    """The profile of that name. Raises UnknownProfile, or ProfileError when its file has a mistake."""
    if name not in names():
        raise UnknownProfile(name)
    return profiles.load(_folder().joinpath(f"{name}.toml").read_bytes(), name)


def _folder() -> resources.abc.Traversable:
    return resources.files("prewatt.meters").joinpath("profiles")
