"""A maker's own write, function 20, as a PC tool sends it: areas whose every field has an enable byte in front.

The tool waits for 15 bytes; what they say beyond unit, function and CRC is not known. Nothing of it was ever tried on a
device: whatever uses it is experimental.
"""

from __future__ import annotations

from collections.abc import Mapping

from prewatt.meters.modbus import EXCEPTION_BIT, MIN_ANSWER, Answer, Buffer, Cut, CutKind, seal, sound

FUNCTION = 0x20
ANSWER_LENGTH = 15
ENABLE = 1


def request(unit: int, area: int, payload: bytes) -> bytes:
    """The frame: unit, 20, area, registers, bytes, payload. Raises ValueError out of limits."""
    if not 1 <= unit <= 247 or not 0 <= area <= 0xFFFF:
        raise ValueError(f"unit {unit} or area {area} is out of limits")
    if not payload or len(payload) % 2 or len(payload) > 246:
        raise ValueError(f"{len(payload)} bytes are not 1 to 123 registers")
    head = bytes((unit, FUNCTION)) + area.to_bytes(2) + (len(payload) // 2).to_bytes(2) + bytes((len(payload),))
    return seal(head + payload)


def fields(size: int, values: Mapping[int, bytes]) -> bytes:
    """A payload of ``size`` bytes with values at their offsets, each enabled by the byte in front of it."""
    payload = bytearray(size)
    for offset, raw in values.items():
        payload[offset - 1] = ENABLE
        payload[offset : offset + len(raw)] = raw
    return bytes(payload)


def cut(asked: Buffer, buffer: Buffer, *, final: bool = False) -> Cut:
    """Find the answer to a function 20 request; as ``modbus.cut``. An echo of the request is not taken for it."""
    held, unit = bytes(buffer), asked[0]
    start = 0
    while start < len(held):
        if held[start] == unit and (len(held) - start < 2 or held[start + 1] & ~EXCEPTION_BIT == FUNCTION):
            refused = len(held) - start >= 2 and held[start + 1] & EXCEPTION_BIT
            length = MIN_ANSWER if refused else ANSWER_LENGTH
            frame = held[start : start + length]
            if len(frame) < length and not final:
                return Cut(CutKind.INCOMPLETE, start)
            if len(frame) == length and sound(frame):
                answer = Answer(unit, FUNCTION, b"" if refused else frame[2:-2], frame[2] if refused else 0)
                return Cut(CutKind.ANSWER, start + length, answer)
        start += 1
    return Cut(CutKind.INCOMPLETE, len(held))
