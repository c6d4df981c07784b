"""What a line needs to know of a codec: what an answer must look like, where it ends, and what stands in it.

A line may hold meters of several codecs: each question brings its own framing, and every one of them takes the frames
of the others for noise.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from prewatt.meters import dlt645, modbus, vendor20
from prewatt.meters.modbus import Buffer, CutKind
from prewatt.meters.shape import Profile


class Heard(Protocol):
    """An answer in the parts that every codec has."""

    @property
    def body(self) -> bytes:
        """What was read; empty for an exception."""

    @property
    def exception(self) -> int:
        """0: a normal answer."""


class Found(Protocol):
    """One step of cutting; see ``modbus.cut``."""

    @property
    def kind(self) -> CutKind:
        """What stands at the front."""

    @property
    def consumed(self) -> int:
        """Bytes to drop."""

    @property
    def answer(self) -> Heard | None:
        """The answer, if there is one."""


class Outline(NamedTuple):
    """What a question's answer is compared with.

    ``length``: of the normal answer when it is always the same, 0 when it is not, so that nothing is taken at a glance.
    ``head``: how it begins, or, without a length, what tells it from the answer to another question.
    """

    length: int
    head: bytes
    write: bool


class Framing(Protocol):
    """One codec. Stateless."""

    def outline(self, request: bytes) -> Outline:
        """What an answer to the request looks like."""

    def cut(self, request: bytes, buffer: Buffer, *, final: bool = False) -> Found:
        """Find the next frame in what arrived since the request was sent."""

    def raw(self, request: bytes, piece: bytes, answer: Heard) -> bytes:
        """The bare frame of an answer, which ended the bytes ``piece`` that were cut off."""

    def body(self, frame: bytes) -> bytes:
        """What was read, from the bare frame of a normal answer."""


class _Rtu:
    """Modbus RTU: functions 03, 06, 10."""

    @staticmethod
    def outline(request: bytes) -> Outline:
        length = modbus.answer_length(request)
        write = request[1] != modbus.READ
        # a read is answered by its byte count, a write by the first six bytes of the request
        head = bytes(request[:6]) if write else bytes((request[0], modbus.READ, length - 5))
        return Outline(length, head, write)

    @staticmethod
    def cut(request: bytes, buffer: Buffer, *, final: bool = False) -> Found:
        return modbus.cut(request, buffer, final=final)

    @staticmethod
    def raw(request: bytes, piece: bytes, answer: Heard) -> bytes:
        return piece[-(modbus.MIN_ANSWER if answer.exception else modbus.answer_length(request)) :]

    @staticmethod
    def body(frame: bytes) -> bytes:
        return frame[3:-2]


class _Dlt645:
    """DL/T 645-2007: answers are told by address, function and data identifier."""

    @staticmethod
    def outline(request: bytes) -> Outline:
        function = dlt645.strip(request)[8] & dlt645.FUNCTION
        write = function not in (dlt645.READ, dlt645.FOLLOW, dlt645.READ_ADDRESS)
        return Outline(0, dlt645.shape(request), write)

    @staticmethod
    def cut(request: bytes, buffer: Buffer, *, final: bool = False) -> Found:
        return dlt645.cut(request, buffer, final=final)

    @staticmethod
    def raw(request: bytes, piece: bytes, answer: Heard) -> bytes:  # noqa: ARG004
        assert isinstance(answer, dlt645.Answer)
        return answer.frame

    @staticmethod
    def body(frame: bytes) -> bytes:
        return dlt645.item(frame)


class _Vendor:
    """Modbus RTU with a maker's function 20, whose answer has 15 bytes of unknown meaning."""

    @staticmethod
    def outline(request: bytes) -> Outline:
        return Outline(0, bytes(request[:2]), write=True)

    @staticmethod
    def cut(request: bytes, buffer: Buffer, *, final: bool = False) -> Found:
        return vendor20.cut(request, buffer, final=final)

    @staticmethod
    def raw(request: bytes, piece: bytes, answer: Heard) -> bytes:  # noqa: ARG004
        return piece[-(modbus.MIN_ANSWER if answer.exception else vendor20.ANSWER_LENGTH) :]

    @staticmethod
    def body(frame: bytes) -> bytes:
        return frame[2:-2]


RTU: Framing = _Rtu()
DLT645: Framing = _Dlt645()
VENDOR: Framing = _Vendor()
BY_NAME: dict[str, Framing] = {"rtu": RTU, "dlt645": DLT645, "vendor20": VENDOR}


def of(profile: Profile) -> Framing:
    """The framing of a profile's reads."""
    return DLT645 if profile.codec == "dlt645" else RTU
