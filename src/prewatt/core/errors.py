"""The two ways a thing can go wrong that we expect: a rule says no, or the field does not answer as hoped."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Refusal(Exception):
    """A rule said no. Carries a stable code and the parameters of its message; shown to the person, never a traceback.

    ``message`` is an English msgid with ``%(name)s`` placeholders; the web room translates it and fills in ``params``.
    """

    def __init__(self, code: str, message: str, **params: Any) -> None:
        super().__init__(code, message, params)
        self.code = code
        self.message = message
        self.params = params

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class FieldErrorKind(StrEnum):
    """What may be done after a failed exchange with a meter."""

    TRANSIENT = "transient"  # nothing was changed; try again later
    PERMANENT = "permanent"  # the meter said no, and will say so again
    OUTCOME_UNKNOWN = "outcome-unknown"  # a write was sent and its effect is not known: never repeat it blindly


class FieldError(Exception):
    """An exchange with a meter failed. Keeps the bytes that were read, for the line log and for the person who asks."""

    def __init__(self, kind: FieldErrorKind, reason: str, *, raw: bytes = b"") -> None:
        super().__init__(kind, reason, raw)
        self.kind = kind
        self.reason = reason
        self.raw = raw

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}" + (f" [{self.raw.hex(' ')}]" if self.raw else "")
