"""The telegrams between head-end and store: length, then one msgpack array, the same code on both sides.

A request is ``[id, verb, arguments]``, an answer ``[id, "ok" | "lost" | "error", payload]``, and
``[0, "work", null]`` is pushed by the store when there is something to carry.
Pure: bytes in, values out, no socket here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple, NotRequired, TypedDict

import msgspec

from prewatt.core.evidence import Evidence
from prewatt.field.headend.store import (
    Batch,
    ControlTask,
    CreditTask,
    Decision,
    Found,
    Lease,
    Permit,
    Refused,
    RosterData,
)

MAX_FRAME = 64 * 1024 * 1024
WORK_ID = 0
LENGTH_BYTES = 4  # in front of each telegram
_LENGTH = struct.Struct(">I")


class RosterCall(TypedDict):
    known: int


class LeaseCall(TypedDict):
    holder: str
    take_over: bool


class IngestCall(TypedDict):
    batch: Batch


class ClaimCall(TypedDict):
    leases: list[Lease]
    limit: int


class ProgressCall(TypedDict):
    order_id: int
    lease: Lease
    asked: int
    found: list[Found]


class DoneCall(TypedDict):
    order_id: int
    lease: Lease
    outcome: str
    reason: str


class DueCall(TypedDict):
    leases: list[Lease]


class EvidenceCall(TypedDict):
    order_id: int
    lease: Lease
    evidence: Evidence


class _Leave(TypedDict):
    """A Permit or a Refused, told apart by ``t``; unions of dataclasses carry no tag of their own."""

    t: str
    order_id: int
    meter_id: NotRequired[int]
    attempt: NotRequired[int]
    serial: NotRequired[str]
    n: NotRequired[int]
    amount: NotRequired[int]
    lease_token: NotRequired[int]
    reason: NotRequired[str]
    retry_at_ms: NotRequired[int]


# verb: the type of its arguments, and of its result
VERBS: dict[str, tuple[Any, Any]] = {
    "roster": (RosterCall, RosterData | None),
    "lease": (LeaseCall, list[Lease]),
    "ingest": (IngestCall, None),
    "claim": (ClaimCall, list[ControlTask]),
    "progress": (ProgressCall, bool),
    "done": (DoneCall, None),
    "due": (DueCall, list[CreditTask]),
    "arm": (EvidenceCall, _Leave),
    "retry": (EvidenceCall, _Leave),
    "observe": (EvidenceCall, Decision),
}

_encoder = msgspec.msgpack.Encoder()
_envelope = msgspec.msgpack.Decoder(tuple[int, str, msgspec.Raw])
_text = msgspec.msgpack.Decoder(str)
_arguments = {verb: msgspec.msgpack.Decoder(types[0]) for verb, types in VERBS.items()}
_results = {verb: msgspec.msgpack.Decoder(types[1]) for verb, types in VERBS.items()}


class WireError(Exception):
    """The other side sent something that is no telegram of ours: close the connection."""


class Request(NamedTuple):
    """A verb to run with its keyword arguments."""

    id: int
    verb: str
    arguments: dict[str, Any]


class Answer(NamedTuple):
    """What came back. ``status`` is "ok", "lost", "error" or, with id 0, "work"; decode ``payload`` by the verb."""

    id: int
    status: str
    payload: bytes


class Cutter:
    """Cuts a byte stream into telegrams. Feed it whatever arrived."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """The telegrams that are now complete, without their length. Raises WireError for one beyond MAX_FRAME."""
        held = self._held
        held += data
        telegrams: list[bytes] = []
        start = 0
        while len(held) - start >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(held, start)
            if size > MAX_FRAME:
                raise WireError(f"telegram of {size} bytes")
            end = start + _LENGTH.size + size
            if len(held) < end:
                break
            telegrams.append(bytes(held[start + _LENGTH.size : end]))
            start = end
        del held[:start]
        return telegrams


def _telegram(content: tuple[int, str, object]) -> bytes:
    body = _encoder.encode(content)
    return _LENGTH.pack(len(body)) + body


def encode_request(request_id: int, verb: str, arguments: Mapping[str, object]) -> bytes:
    """A request ready to be sent, its length in front. Raises KeyError for a verb that does not exist."""
    if verb not in VERBS:
        raise KeyError(verb)
    return _telegram((request_id, verb, dict(arguments)))


def decode_request(telegram: bytes) -> Request:
    """Read a request as Cutter gave it. Raises WireError."""
    try:
        request_id, verb, raw = _envelope.decode(telegram)
        decoder = _arguments.get(verb)
        if decoder is None:
            raise WireError(f"unknown verb {verb!r}")
        return Request(request_id, verb, decoder.decode(raw))
    except msgspec.MsgspecError as error:
        raise WireError(str(error)) from error


def encode_ok(request_id: int, result: object) -> bytes:
    """The answer to a verb that went well, with the dataclass (or sequence of them, or None) it returned."""
    match result:
        case Permit():
            return _telegram((request_id, "ok", {"t": "permit", **asdict(result)}))
        case Refused():
            return _telegram((request_id, "ok", {"t": "refused", **asdict(result)}))
    return _telegram((request_id, "ok", result))


def encode_lost(request_id: int, text: str) -> bytes:
    """The answer to a verb whose lease is no longer the current one."""
    return _telegram((request_id, "lost", text))


def encode_error(request_id: int, text: str) -> bytes:
    """The answer to a verb that failed."""
    return _telegram((request_id, "error", text))


def encode_work() -> bytes:
    """The push "there is work"."""
    return _telegram((WORK_ID, "work", None))


def decode_answer(telegram: bytes) -> Answer:
    """Read an answer or a push as Cutter gave it. Raises WireError."""
    try:
        answer_id, status, raw = _envelope.decode(telegram)
    except msgspec.MsgspecError as error:
        raise WireError(str(error)) from error
    return Answer(answer_id, status, bytes(raw))


def decode_text(payload: bytes) -> str:
    """The text of a "lost" or "error" answer."""
    try:
        return _text.decode(payload)
    except msgspec.MsgspecError as error:
        raise WireError(str(error)) from error


def decode_result(verb: str, payload: bytes) -> Any:
    """The result of ``verb``, as the dataclass its Protocol promises. Raises WireError."""
    try:
        result = _results[verb].decode(payload)
    except msgspec.MsgspecError as error:
        raise WireError(str(error)) from error
    return _leave(result) if verb in ("arm", "retry") else result


def _leave(told: dict[str, Any]) -> Permit | Refused:
    kinds: dict[str, type[Permit | Refused]] = {"permit": Permit, "refused": Refused}
    fields = dict(told)
    kind = kinds.get(fields.pop("t"))
    if kind is None:
        raise WireError(f"neither permit nor refusal: {told!r}")
    try:
        return kind(**fields)
    except TypeError as error:
        raise WireError(str(error)) from error
