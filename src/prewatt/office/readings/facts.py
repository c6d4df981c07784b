"""What the field reports besides readings, by shape: whoever brings such values may hand them over as they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ContactFact(Protocol):
    """A meter or gateway came into or went out of contact."""

    @property
    def kind(self) -> str: ...  # "meter" or "gateway"
    @property
    def ref(self) -> int: ...
    @property
    def contact(self) -> str: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def last_good_ms(self) -> int: ...  # 0: never
    @property
    def tried(self) -> int: ...
    @property
    def reason(self) -> str: ...


class FrameFact(Protocol):
    """One raw frame of a line whose log is on."""

    @property
    def line_id(self) -> int: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def direction(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def note(self) -> str: ...


class CounterFact(Protocol):
    """What a line did since the last report."""

    @property
    def line_id(self) -> int: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def exchanges(self) -> int: ...
    @property
    def timeouts(self) -> int: ...
    @property
    def crc_errors(self) -> int: ...
    @property
    def foreign(self) -> int: ...
    @property
    def exceptions(self) -> int: ...
    @property
    def busy_permille(self) -> int: ...
    @property
    def latency_p50_ms(self) -> int: ...
    @property
    def latency_p95_ms(self) -> int: ...
    @property
    def round_ms(self) -> int: ...


class IdentityFact(Protocol):
    """A serial read from a meter."""

    @property
    def meter_id(self) -> int: ...
    @property
    def serial(self) -> str: ...
    @property
    def at_ms(self) -> int: ...


def moment(milliseconds: int) -> datetime:
    """Aware UTC time of epoch milliseconds."""
    return EPOCH + timedelta(milliseconds=milliseconds)
