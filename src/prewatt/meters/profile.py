"""Register profiles as data: when a real manual arrives, one TOML file under ``profiles/`` changes.

A file with a mistake is refused with file, field and reason.
"""

from __future__ import annotations

from pathlib import Path

from prewatt.meters import schema
from prewatt.meters.shape import Block, Field, Problem, Profile, ProfileError, Proof, Setting

__all__ = ["Block", "Field", "Problem", "Profile", "ProfileError", "Proof", "Setting", "load"]


def load(source: Path | bytes, name: str | None = None) -> Profile:
    """Read a profile from a file, or from bytes under a name.

    A file's stem must be the profile's name unless another is given. Raises ProfileError, or OSError.
    """
    if isinstance(source, Path):
        return schema.read(source.read_bytes(), file=str(source), name=name or source.stem)
    return schema.read(source, file=f"{name or 'profile'}.toml", name=name)
