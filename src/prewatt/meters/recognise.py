"""What kind of meter answers at an address: by its model code, or by which profiles' reads it answers whole."""

from __future__ import annotations

from functools import cache

from prewatt.meters import dlt645, modbus, registry
from prewatt.meters.shape import Profile

MODEL_REGISTER = 0x0200  # register of the composite block; other makes refuse it, which is an answer as well
SERIAL_ANSWER = 18  # bytes of the answer to "who are you" of DL/T 645


def model_request(unit: int) -> bytes:
    """Ask a Modbus device for its model code."""
    return modbus.read_request(unit, MODEL_REGISTER, 1)


def serial_request() -> bytes:
    """Ask whichever DL/T 645 meter is there for its serial. Two that answer at once destroy each other's answer."""
    return dlt645.address_request(wakes=dlt645.WAKES)


def serial_of(body: bytes) -> str:
    """The twelve digits in the answer to ``serial_request``."""
    return dlt645.address_text(body)


@cache
def by_model_code(code: int) -> Profile | None:
    """The profile whose model register holds that code."""
    return next((profile for profile in _offered() if profile.model_code == code), None)


@cache
def without_model_code(codec: str) -> tuple[Profile, ...]:
    """Profiles of a codec that can only be tried: those that name no model code."""
    return tuple(profile for profile in _offered() if profile.model_code is None and profile.codec == codec)


def _offered() -> tuple[Profile, ...]:
    return tuple(registry.get(name) for name in registry.names())
