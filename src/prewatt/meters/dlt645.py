"""DL/T 645-2007 as frames and bytes: what to send, where an answer ends, and whether it is ours. No sockets, no time.

A frame is ``[FE x 0..4] 68 A0..A5 68 C L DATA CS 16``: the address is 12 decimal digits, low byte first; every byte of
DATA has 33H added; CS is the sum of all bytes from the first 68 to the end of DATA. C tells direction (bit 7), error
(bit 6), more frames follow (bit 5) and the function. An answer counts only when address, function and, where the
answer names one, the data identifier are those asked for; anything else is foreign or corrupt.
"""

from __future__ import annotations

from typing import NamedTuple

from prewatt.meters.modbus import Buffer, CutKind

START, END, WAKE = 0x68, 0x16, 0xFE
OFFSET = 0x33
HEAD, MIN_FRAME = 10, 12  # bytes up to L; a frame without data
MAX_READ_DATA, MAX_WRITE_DATA = 200, 50
WILDCARD, BROADCAST = "A" * 12, "9" * 12
WAKES = 4

SECURITY, TIME, READ, FOLLOW, READ_ADDRESS, WRITE, WRITE_ADDRESS = 0x03, 0x08, 0x11, 0x12, 0x13, 0x14, 0x15
FREEZE, BAUD, PASSWORD, CONTROL = 0x16, 0x17, 0x18, 0x1C
FROM_METER, ERROR, FOLLOWS, FUNCTION = 0x80, 0x40, 0x20, 0x1F

# exceptions of this protocol, apart from each other and from those of Modbus
DER, SERR, CONTROL_REFUSED = 0x100, 0x1_0000, 0x2_0000

_PLUS = bytes((byte + OFFSET) & 0xFF for byte in range(256))
_MINUS = bytes((byte - OFFSET) & 0xFF for byte in range(256))


# -- parts ------------------------------------------------------------------------------------------------------------


def address_bytes(address: str) -> bytes:
    """Twelve digits as they travel; fewer are filled with zeros in front. ``A`` x 12 is any meter, ``9`` x 12 all.

    Raises ValueError for anything else.
    """
    if address == WILDCARD:
        return bytes((0xAA,)) * 6
    if not (address.isascii() and address.isdigit() and len(address) <= 12):
        raise ValueError(f"address {address!r} is not up to 12 decimal digits")
    return bytes.fromhex(address.zfill(12))[::-1]


def address_text(raw: bytes) -> str:
    """Six address bytes as twelve digits."""
    return raw[::-1].hex().upper()


def identifier_bytes(identifier: int) -> bytes:
    """A data identifier DI3..DI0 as it travels: DI0 first."""
    return identifier.to_bytes(4, "little")


def build(address: str, control: int, data: bytes = b"", *, wakes: int = 0) -> bytes:
    """A whole frame. ``data`` without the 33H; ``wakes``: how many FE go in front. Raises ValueError out of limits."""
    if len(data) > MAX_READ_DATA:
        raise ValueError(f"{len(data)} bytes are more than {MAX_READ_DATA}")
    if not 0 <= wakes <= WAKES:
        raise ValueError(f"{wakes} wake-up bytes are not 0 to {WAKES}")
    content = bytes((START, *address_bytes(address), START, control, len(data))) + data.translate(_PLUS)
    return bytes((WAKE,)) * wakes + content + bytes((sum(content) & 0xFF, END))


# -- the master's side of the wire ------------------------------------------------------------------------------------


class Frame(NamedTuple):
    """The parts of a sound frame, data without the 33H."""

    address: str
    control: int
    data: bytes

    @property
    def function(self) -> int:
        """What it is about, without direction and flags."""
        return self.control & FUNCTION

    @property
    def identifier(self) -> int | None:
        """The data identifier of a read or write, if it carries one."""
        if self.function not in (READ, FOLLOW, WRITE, SECURITY) or len(self.data) < 4 or self.control & ERROR:
            return None
        return int.from_bytes(self.data[:4], "little")


class Answer(NamedTuple):
    """What a meter answered: ``body`` is the item of a read, an address, or the words behind a control command."""

    unit: str
    function: int
    body: bytes
    exception: int  # 0: a normal answer; otherwise DER, SERR or CONTROL_REFUSED plus the meter's own bits
    frame: bytes  # from the first 68 on
    follows: bool
    sequence: int  # of a following frame, else 0


class Cut(NamedTuple):
    """One step of cutting. Drop ``consumed`` bytes from the front of the buffer whatever the kind is."""

    kind: CutKind
    consumed: int
    answer: Answer | None = None


def strip(frame: Buffer) -> bytes:
    """The frame without the FE in front."""
    return bytes(frame).lstrip(b"\xfe")


def open_frame(raw: Buffer) -> Frame | None:
    """The parts of one whole frame, with or without FE in front; None when it is none or does not hold."""
    frame = strip(raw)
    if len(frame) < MIN_FRAME or frame[0] != START or frame[7] != START or len(frame) != MIN_FRAME + frame[9]:
        return None
    if frame[-1] != END or sum(frame[:-2]) & 0xFF != frame[-2]:
        return None
    return Frame(address_text(frame[1:7]), frame[8], frame[HEAD:-2].translate(_MINUS))


def item(frame: bytes) -> bytes:
    """The body of the sound answer to a read, straight from its frame."""
    return frame[HEAD + 4 : -2].translate(_MINUS)


def shape(request: Buffer) -> bytes:
    """What an answer must agree with: address, function, and the identifier of a read."""
    frame = strip(request)
    named = frame[8] & FUNCTION in (READ, FOLLOW)
    return frame[1:7] + bytes((frame[8],)) + (frame[HEAD : HEAD + 4] if named else b"")


def cut(request: Buffer, buffer: Buffer, *, final: bool = False) -> Cut:
    """Find the next frame in what arrived since ``request`` was sent, as ``modbus.cut`` does for its family.

    Call again after dropping ``consumed`` bytes until INCOMPLETE or ANSWER comes. Junk, FE and our own echo are dropped
    silently. A front that could become a frame is waited for; ``final=True`` gives up waiting and looks behind it.
    """
    held = bytes(buffer)
    asked = strip(request)
    start = held.find(START)
    while start >= 0:
        length = _length(held, start)
        end = start + length
        if length == 0 or (length > 0 and end > len(held)):
            if not final:
                return Cut(CutKind.INCOMPLETE, start)
        elif length > 0:
            frame = held[start:end]
            if frame[-1] != END or sum(frame[:-2]) & 0xFF != frame[-2]:
                return Cut(CutKind.CORRUPT, start + 1)
            if frame != asked:
                answer = _fitting(asked, frame)
                return Cut(CutKind.ANSWER if answer else CutKind.FOREIGN, end, answer)
            start = end - 1  # our own echo
        start = held.find(START, start + 1)
    return Cut(CutKind.INCOMPLETE, len(held))


_NOT_A_FRAME = -1


def _length(held: bytes, start: int) -> int:
    """Length of the frame that begins at ``start``; 0: bytes are missing to tell; -1: none begins here."""
    size = len(held) - start
    if size > 7 and held[start + 7] != START:
        return _NOT_A_FRAME
    if size < HEAD:
        return 0
    return MIN_FRAME + held[start + 9] if held[start + 9] <= MAX_READ_DATA else _NOT_A_FRAME


def _fitting(asked: bytes, frame: bytes) -> Answer | None:
    """The answer in a sound frame, None when it does not answer this request."""
    control, function = frame[8], frame[8] & FUNCTION
    anybody = asked[1:7] == b"\xaa" * 6
    if not control & FROM_METER or function != asked[8] & FUNCTION or not (anybody or frame[1:7] == asked[1:7]):
        return None
    unit, data = address_text(frame[1:7]), frame[HEAD:-2].translate(_MINUS)
    if control & ERROR:
        return Answer(unit, function, data, _exception(function, data), frame, False, 0)
    sequence = 0
    if function in (READ, FOLLOW):
        if len(data) < 4 or frame[HEAD : HEAD + 4] != asked[HEAD : HEAD + 4]:
            return None
        data = data[4:]
        if function == FOLLOW:
            sequence = asked[HEAD + 4] - OFFSET & 0xFF
            if not data or data[-1] != sequence:
                return None
            data = data[:-1]
    elif function == READ_ADDRESS and len(data) != 6:
        return None
    return Answer(unit, function, data, 0, frame, bool(control & FOLLOWS), sequence)


def open_refusal(frame: Frame) -> int:
    """The meter's no in a frame with the error bit, as the exception that ``cut`` gives."""
    return _exception(frame.function, frame.data)


def _exception(function: int, data: bytes) -> int:
    """The meter's no as one number, whatever its form."""
    word = int.from_bytes(data[:2], "little")
    if function == SECURITY:
        return SERR | word
    if function == CONTROL and len(data) >= 2:
        return CONTROL_REFUSED | word
    return DER | (data[0] if data else 0)


class Reading:
    """Reads one item of any length: send ``frame``, give each answer to ``take``; long items come in several frames."""

    MOST_FRAMES = 255

    def __init__(self, address: str, identifier: int, *, wakes: int = WAKES) -> None:
        self._address, self._identifier, self._wakes = address, identifier, wakes
        self._parts: list[bytes] = []
        self.frame = read_request(address, identifier, wakes=wakes)

    def take(self, answer: Answer) -> bytes | None:
        """The whole item, or None when ``frame`` asks for its next part. Raises ValueError when it never ends."""
        self._parts.append(answer.body)
        if not answer.follows:
            return b"".join(self._parts)
        if len(self._parts) > self.MOST_FRAMES:
            raise ValueError(f"item {self._identifier:08X} has more than {self.MOST_FRAMES} following frames")
        self.frame = follow_request(self._address, self._identifier, len(self._parts), wakes=self._wakes)
        return None


# -- requests that need nothing but an address ------------------------------------------------------------------------


def read_request(address: str, identifier: int, *, wakes: int = 0) -> bytes:
    """Ask for a data item (C = 11)."""
    return build(address, READ, identifier_bytes(identifier), wakes=wakes)


def follow_request(address: str, identifier: int, sequence: int, *, wakes: int = 0) -> bytes:
    """Ask for the next part of an item (C = 12), 1 for the second frame."""
    return build(address, FOLLOW, identifier_bytes(identifier) + bytes((sequence,)), wakes=wakes)


def address_request(*, wakes: int = 0) -> bytes:
    """Ask the only meter on the line for its address (C = 13)."""
    return build(WILDCARD, READ_ADDRESS, wakes=wakes)


# -- the meter's side of the wire -------------------------------------------------------------------------------------


def frame_length(so_far: Buffer) -> int | None:
    """Length of the frame with its FE that began with ``so_far``, None while that cannot be told; 0: it is none."""
    held = bytes(so_far)
    wakes = len(held) - len(held.lstrip(b"\xfe"))
    if wakes == len(held):
        return None
    if held[wakes] != START:
        return 0
    length = _length(held, wakes)
    if length == 0:
        return None
    return 0 if length == _NOT_A_FRAME else wakes + length


def answer(request: Frame, address: str, data: bytes = b"", *, follows: bool = False, wakes: int = WAKES) -> bytes:
    """A meter's normal answer; ``data`` is all that stands behind L."""
    control = request.function | FROM_METER | (FOLLOWS if follows else 0)
    return build(address, control, data, wakes=wakes)


def refusal(request: Frame, address: str, words: bytes, *, wakes: int = WAKES) -> bytes:
    """A meter's no, with its error byte or words."""
    return build(address, request.function | FROM_METER | ERROR, words, wakes=wakes)
