"""Chance that repeats: a stream for each purpose, drawn from a seed and a name, the same in every process."""

from __future__ import annotations

import hashlib
import random


def seed_of(*parts: object) -> int:
    """A 64-bit seed from what the parts say, whatever PYTHONHASHSEED is."""
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:8], "big")


def stream(*parts: object) -> random.Random:
    """A random stream of its own for the named purpose: chance in a play, never a secret."""
    return random.Random(seed_of(*parts))  # noqa: S311 (a seeded play, no secret)
