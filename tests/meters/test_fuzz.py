"""A taste of the frame-fuzz bench: every decoder, a few thousand damaged frames, the same each time."""

from __future__ import annotations

import random

import pytest

from bench.frame_fuzz import decoders, frames, fuzz
from prewatt.meters import registry


@pytest.mark.parametrize("name", decoders())
def test_no_frame_crashes_a_decoder(name: str) -> None:
    assert fuzz(name, 400) == (0, "")


def test_every_profile_is_among_them_and_frames_repeat_by_seed() -> None:
    assert {f"profile {name}" for name in registry.names(experimental=True)} <= set(decoders())
    assert list(frames(50, random.Random(3))) == list(frames(50, random.Random(3)))
