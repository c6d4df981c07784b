"""The contactor inside the meter and the four controls that may open it: purse, load, time, force.

It is open when any enabled control says open, except that force, when on, decides alone (ADF400L manual 7.2). Load
control opens on too much power, closes again by itself a set number of times, then stays off until it is reset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NEVER = -1
NO_PRETRIP = -1
STAY_OFF = 0
PATIENCE_MS = 10_000  # too much power this long opens the contactor
RECOVERY_STEP_MS = 10_000


@dataclass(slots=True)
class Relay:
    """Position of the contactor and why. ``pretrip_s``: at alarm 2 open for so many seconds; 0 stays off, -1 never."""

    forced: bool = False
    forced_open: bool = False
    prepaid: bool = True
    pretrip_s: int = NO_PRETRIP
    arrears: bool = False  # empty beyond the overdraft: open until paid
    warned: bool | None = None  # alarm 2 was met; None: not looked yet
    pretrip_until: int = NEVER
    pretrip_stays: bool = False
    time_open: bool = False
    load_open: bool = False
    closed: bool = True

    def watch_purse(self, remaining: int, alarm_2: int, overdraft: int, at_ms: int) -> None:
        """Follow the credit: trip when it is spent, and once each time it falls below alarm 2 if so set."""
        if remaining <= -overdraft:
            self.arrears = True
        elif remaining > 0:
            self.arrears = False
        low = remaining < alarm_2
        if low and self.warned is False and self.pretrip_s >= 0:
            self.pretrip_stays = self.pretrip_s == STAY_OFF
            self.pretrip_until = at_ms + self.pretrip_s * 1000
        if not low:
            self.pretrip_stays, self.pretrip_until = False, NEVER
        elif at_ms >= self.pretrip_until:
            self.pretrip_until = NEVER
        self.warned = low

    def overdraft_changed(self, remaining: int, overdraft: int) -> None:
        """A new limit is judged afresh: whoever is within it gets power back."""
        self.arrears = remaining <= -overdraft

    @property
    def prepaid_open(self) -> bool:
        return self.arrears or self.pretrip_stays or self.pretrip_until != NEVER

    def decide(self) -> None:
        """Set the contactor."""
        if self.forced:
            self.closed = not self.forced_open
        else:
            self.closed = not ((self.prepaid and self.prepaid_open) or self.time_open or self.load_open)

    def reason(self) -> str:
        """Why it is open; empty while it is closed."""
        if self.closed:
            return ""
        if self.forced:
            return "forced"
        found = (("prepaid", self.prepaid and self.prepaid_open), ("load", self.load_open), ("time", self.time_open))
        return next(name for name, is_open in found if is_open)

    def snapshot(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def restore(self, kept: dict[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, kept[name])


@dataclass(slots=True)
class LoadControl:
    """Load control. Registers: enable, then six a circuit: max W, step W, PF, none, allowed times, recovery x 10 s."""

    circuits: int
    words: list[int] = field(default_factory=list)
    trips: int = 0
    open: bool = False
    since: int = NEVER  # when too much power began
    close_at: int = NEVER

    def __post_init__(self) -> None:
        self.words = [0] + [0, 0, 500, 0, 3, 6] * self.circuits

    @property
    def enabled(self) -> bool:
        return bool(self.words[0])

    @property
    def allowed(self) -> int:
        return self.words[5]

    @property
    def over(self) -> bool:
        """Too much power now, or off because of it."""
        return self.open or self.since != NEVER

    def exceeded(self, loads: tuple[int, ...]) -> bool:
        """Whether a phase draws more than its limit; a limit of 0 is none."""
        return any(0 < self.words[1 + 6 * phase] < load for phase, load in enumerate(loads))

    def recover(self, at_ms: int) -> None:
        """Let the contactor close again when its time has come, or when load control was switched off."""
        if not self.enabled:
            self.trips, self.open, self.since, self.close_at = 0, False, NEVER, NEVER
        elif self.open and NEVER < self.close_at <= at_ms:
            self.open, self.since, self.close_at = False, NEVER, NEVER

    def watch(self, closed: bool, loads: tuple[int, ...], at_ms: int) -> None:
        """Follow the load of each phase in W while the contactor is where it is now."""
        if self.open:
            return
        if not closed or not self.exceeded(loads):
            self.since = NEVER
        elif self.since == NEVER:
            self.since = at_ms
        elif at_ms >= self.since + PATIENCE_MS:
            self.open, self.since = True, NEVER
            self.trips += 1
            # beyond the allowed count it stays off
            self.close_at = at_ms + self.words[6] * RECOVERY_STEP_MS if self.trips <= self.allowed else NEVER

    def next_moment(self) -> int:
        """When something happens by itself."""
        if self.open:
            return self.close_at
        return self.since + PATIENCE_MS if self.since != NEVER else NEVER

    def snapshot(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("words", "trips", "open", "since", "close_at")}

    def restore(self, kept: dict[str, Any]) -> None:
        for name in ("words", "trips", "open", "since", "close_at"):
            setattr(self, name, kept[name])
