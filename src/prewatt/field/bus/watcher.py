"""Who is told what a line hears."""

from __future__ import annotations

from typing import Protocol

from prewatt.field.bus.exchange import Outcome, Reply
from prewatt.field.bus.rounds import Station


class Watcher(Protocol):
    """Who is told what the line hears. Called between frames; must not block."""

    def polled(self, station: Station, frames: list[bytes], now: float) -> None:
        """A meter's state came in whole: the sound frame of each of its questions, empty where it refused."""

    def refused(self, station: Station, reply: Reply, now: float) -> None:
        """A meter answered its poll with an exception."""

    def missed(self, station: Station, outcome: Outcome, now: float) -> None:
        """A meter did not answer its poll or probe."""

    def frame(self, direction: str, data: bytes, note: str) -> None:
        """Every frame, when ``Machine.tapped`` is set."""
