"""Modbus RTU as frames and bytes: what to send, where an answer ends, and whether it is ours. No sockets, no time.

Serial silence cannot be trusted behind USB adapters and gateways, so answers are cut by the length the request makes us
expect. An answer counts only when unit, function and length fit what was asked and the CRC holds; anything else is
foreign (somebody else's, or late) or corrupt. The same cutter serves Modbus TCP: ``mbap_cut`` gives RTU frames back.

Source: Modbus application protocol V1.1b3; Modbus over serial line V1.02. Meters of this house answer 03, 06 and 10.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from fastcrc import crc16

Buffer = bytes | bytearray | memoryview

READ, WRITE_ONE, WRITE = 0x03, 0x06, 0x10
EXCEPTION_BIT = 0x80
MAX_READ, MAX_WRITE = 125, 123  # registers in one request
MIN_ANSWER = 5  # an exception: unit, function, code, CRC
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4

# on a line with one master nothing answers what nobody asked: fewer shapes, fewer frames seen in noise
_KNOWN = frozenset({READ, WRITE_ONE, WRITE})
_HIGHEST_EXCEPTION = 11


def crc(data: Buffer) -> int:
    """CRC-16/MODBUS of the bytes; it travels low byte first."""
    return crc16.modbus(data)


def seal(content: bytes) -> bytes:
    """The bytes with their CRC behind them."""
    return content + crc(content).to_bytes(2, "little")


def sound(frame: Buffer) -> bool:
    """Whether the last two bytes are the CRC of the others."""
    return crc(frame[:-2]) == frame[-2] | frame[-1] << 8


# -- requests ---------------------------------------------------------------------------------------------------------


def read_request(unit: int, address: int, count: int) -> bytes:
    """Ask for holding registers (function 03). Raises ValueError outside the protocol's limits."""
    _check(unit, address, count, MAX_READ)
    return seal(struct.pack(">BBHH", unit, READ, address, count))


def write_request(unit: int, address: int, words: Sequence[int]) -> bytes:
    """Write registers from ``address`` on (function 10). Raises ValueError outside the protocol's limits."""
    _check(unit, address, len(words), MAX_WRITE)
    if any(not 0 <= word <= 0xFFFF for word in words):
        raise ValueError("a register holds 0 to 65535")
    return seal(struct.pack(f">BBHHB{len(words)}H", unit, WRITE, address, len(words), 2 * len(words), *words))


def write_single(unit: int, address: int, word: int) -> bytes:
    """Write one register (function 06). Raises ValueError outside the protocol's limits."""
    _check(unit, address, 1, 1)
    if not 0 <= word <= 0xFFFF:
        raise ValueError("a register holds 0 to 65535")
    return seal(struct.pack(">BBHH", unit, WRITE_ONE, address, word))


def _check(unit: int, address: int, count: int, most: int) -> None:
    if not 1 <= unit <= 247:
        raise ValueError(f"unit {unit} is not 1 to 247")
    if not 1 <= count <= most:
        raise ValueError(f"{count} registers are not 1 to {most}")
    if not 0 <= address <= 0x10000 - count:
        raise ValueError(f"address {address} with {count} registers is outside 0 to 65535")


# -- answers ----------------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What a unit answered. ``body``: register bytes of a read, echoed head of a write, empty for an exception."""

    unit: int
    function: int  # without the exception bit
    body: bytes
    exception: int  # 0: a normal answer


class CutKind(Enum):
    """What the cutter found at the front of the buffer."""

    INCOMPLETE = "incomplete"  # nothing decided: wait for more bytes, or for the deadline
    ANSWER = "answer"  # ours, whole and sound
    FOREIGN = "foreign"  # whole and sound, but another unit, function, register or length than asked
    CORRUPT = "corrupt"  # has the shape of an answer, but the CRC does not hold


class Cut(NamedTuple):
    """One step of cutting. Drop ``consumed`` bytes from the front of the buffer whatever the kind is."""

    kind: CutKind
    consumed: int
    answer: Answer | None = None


def answer_length(request: Buffer) -> int:
    """Length of the whole normal answer that fits a request."""
    function = request[1]
    if function == READ:
        return 5 + 2 * (request[4] << 8 | request[5])
    return 8


def expected_length(request: Buffer, so_far: Buffer) -> int | None:
    """Length of the frame that began with ``so_far``, None while that cannot be told; 5 for an exception.

    A front that is no frame at all counts as the answer that was asked for.
    """
    if len(so_far) < 2:
        return None
    length = _length(so_far, 0, len(so_far))
    if length == _NOT_A_FRAME:
        return answer_length(request)
    return length or None


def cut(request: Buffer, buffer: Buffer, *, final: bool = False) -> Cut:
    """Find the next frame in what arrived since ``request`` was sent.

    Call again after dropping ``consumed`` bytes until INCOMPLETE or ANSWER comes. How the bytes were chunked makes no
    difference. Junk before a frame and a local echo of the request are dropped silently. A front that could be a longer
    frame is waited for, because its inside might by chance look like our answer; ``final=True`` (the deadline passed)
    gives up waiting and looks behind it.
    """
    size = len(buffer)
    if size > 8 and size == answer_length(request) and buffer[0] == request[0] and buffer[1] == request[1]:
        frame = bytes(buffer)  # by far the commonest: the whole answer and nothing else
        if frame[2] == size - 5 and sound(frame) and frame[:8] != bytes(request):
            return Cut(CutKind.ANSWER, size, Answer(frame[0], READ, frame[3:-2], 0))
    start = 0
    while size - start >= 2:
        length = _length(buffer, start, size)
        if length == _NOT_A_FRAME:
            start += 1
            continue
        end = start + length
        frame = bytes(buffer[start:end]) if length and end <= size else b""
        good = len(frame) > 0 and sound(frame)
        # whichever ends first decides, so that the chunks in which bytes come cannot change the result
        if not good or length > len(request):
            echoed = _echoed(request, buffer, start, size)
            if echoed == len(request):
                start += echoed
                continue
            if echoed and not final:
                return Cut(CutKind.INCOMPLETE, start)
        if good:
            answer = open_answer(frame)
            return Cut(CutKind.ANSWER if _fits(request, frame) else CutKind.FOREIGN, end, answer)
        if frame:
            return Cut(CutKind.CORRUPT, start + 1)
        if not final:
            return Cut(CutKind.INCOMPLETE, start)
        start += 1
    return Cut(CutKind.INCOMPLETE, start)


def open_answer(frame: bytes) -> Answer:
    """The parts of a sound answer frame."""
    unit, function = frame[0], frame[1]
    if function & EXCEPTION_BIT:
        return Answer(unit, function & ~EXCEPTION_BIT, b"", frame[2])
    return Answer(unit, function, frame[3:-2] if function == READ else frame[2:-2], 0)


_NOT_A_FRAME = -1


def _length(buffer: Buffer, start: int, size: int) -> int:
    """Length of the answer that begins at ``start``; 0: a byte more is needed to tell; -1: none begins here."""
    unit, function = buffer[start], buffer[start + 1]
    if not 1 <= unit <= 247 or function & ~EXCEPTION_BIT not in _KNOWN:
        return _NOT_A_FRAME
    if function in {WRITE_ONE, WRITE}:
        return 8
    if size - start < 3:
        return 0
    third = buffer[start + 2]
    if function & EXCEPTION_BIT:
        return MIN_ANSWER if 1 <= third <= _HIGHEST_EXCEPTION else _NOT_A_FRAME
    return 5 + third if 1 <= third <= 2 * MAX_READ else _NOT_A_FRAME


def _fits(request: Buffer, frame: bytes) -> bool:
    """Whether a sound frame answers this request: same unit, function, and length or register."""
    function = request[1]
    if frame[0] != request[0] or frame[1] & ~EXCEPTION_BIT != function:
        return False
    if frame[1] & EXCEPTION_BIT:
        return True
    if function == READ:
        return len(frame) == answer_length(request)
    return frame[2:6] == bytes(request[2:6])


def _echoed(request: Buffer, buffer: Buffer, start: int, size: int) -> int:
    """How many bytes at ``start`` repeat the front of our request; 0 when they differ.

    Two-wire adapters hear themselves. Never for a single write, whose answer is its echo.
    """
    here = min(len(request), size - start)
    if request[1] == WRITE_ONE or buffer[start : start + here] != request[:here]:
        return 0
    return here


# -- the meter's side of the wire -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What a master asked. ``words`` of a write; ``count`` registers of a read."""

    unit: int
    function: int
    address: int
    count: int
    words: tuple[int, ...]


def request_length(so_far: Buffer) -> int | None:
    """Length of the request that began with ``so_far``, None while that cannot be told; 8 for other functions."""
    if len(so_far) < 2:
        return None
    if so_far[1] != WRITE:
        return 8
    return 9 + so_far[6] if len(so_far) >= 7 else None


def open_request(frame: bytes) -> Request | None:
    """The parts of a whole request; None when it is too short, torn or its CRC does not hold."""
    if len(frame) < 8 or not sound(frame):
        return None
    unit, function, address, third = struct.unpack_from(">BBHH", frame)
    if function == WRITE:
        if len(frame) != 9 + frame[6] or frame[6] != 2 * third:
            return None
        return Request(unit, function, address, third, struct.unpack_from(f">{third}H", frame, 7))
    if len(frame) != 8:
        return None
    if function == WRITE_ONE:
        return Request(unit, function, address, 1, (third,))
    return Request(unit, function, address, third, ())


def read_answer(unit: int, body: bytes) -> bytes:
    """Answer to function 03 with register bytes."""
    return seal(bytes((unit, READ, len(body))) + body)


def write_answer(request: Request) -> bytes:
    """Answer to function 06 or 10: the head of the request."""
    third = request.words[0] if request.function == WRITE_ONE else request.count
    return seal(struct.pack(">BBHH", request.unit, request.function, request.address, third))


def exception_answer(unit: int, function: int, code: int) -> bytes:
    """The meter says no."""
    return seal(bytes((unit, function | EXCEPTION_BIT, code)))


# -- Modbus TCP -------------------------------------------------------------------------------------------------------


class MbapCut(NamedTuple):
    """One frame out of a Modbus TCP stream, with a CRC so that the rest of the house sees RTU only.

    ``frame`` is None when more bytes are needed; ``lost`` when the stream has no header where one must be: close it.
    """

    consumed: int
    transaction: int
    frame: bytes | None
    lost: bool = False


def mbap_wrap(transaction: int, rtu_frame: bytes) -> bytes:
    """An RTU frame as a Modbus TCP frame: header in front, no CRC behind."""
    content = rtu_frame[:-2]
    return struct.pack(">HHH", transaction & 0xFFFF, 0, len(content)) + content


def mbap_cut(buffer: Buffer) -> MbapCut:
    """Take the first whole frame off a Modbus TCP stream."""
    if len(buffer) < 6:
        return MbapCut(0, 0, None)
    transaction, protocol, length = struct.unpack_from(">HHH", buffer)
    if protocol or not 3 <= length <= 254:
        return MbapCut(0, transaction, None, lost=True)
    if len(buffer) < 6 + length:
        return MbapCut(0, transaction, None)
    return MbapCut(6 + length, transaction, seal(bytes(buffer[6 : 6 + length])))
