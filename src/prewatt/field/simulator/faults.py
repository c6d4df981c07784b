"""Faults on demand: what goes wrong on a simulated line, where, how often, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

EVERYWHERE = "*"


class FaultKind(StrEnum):
    """What can be made to go wrong."""

    DEAD = "dead"  # a meter does not answer; it goes on counting
    NOISE = "noise"  # bits flip, both ways
    WRONG_UNIT = "wrong-unit"  # a neighbour answers in its own name
    LATE = "late"  # the answer comes after the master gave up
    GATEWAY_LOST = "gateway-lost"  # the gateway is gone from the network
    POWER_CUT = "power-cut"  # a meter loses its supply for a while


USUAL_CHANCE = {FaultKind.NOISE: 0.2, FaultKind.WRONG_UNIT: 0.3, FaultKind.LATE: 0.3}
LATE_S = (1.3, 3.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``target``: a serial, a line, a gateway or everywhere; ``until_ms`` None: until cleared."""

    kind: FaultKind
    target: str
    chance: float = 1.0
    until_ms: int | None = None


class Faults:
    """The faults of a building, by kind and target; a newer one replaces the older of the same kind and target."""

    def __init__(self) -> None:
        self._known: dict[FaultKind, dict[str, Fault]] = {}

    def set(self, fault: Fault) -> None:
        self._known.setdefault(fault.kind, {})[fault.target] = fault

    def clear(self, kind: FaultKind | None = None, target: str | None = None) -> int:
        """Take away faults of that kind and target, None meaning any; how many there were."""
        gone = [f for f in self.all() if (kind is None or f.kind is kind) and (target is None or f.target == target)]
        for fault in gone:
            self._drop(fault)
        return len(gone)

    def all(self) -> Iterator[Fault]:
        for by_target in list(self._known.values()):
            yield from list(by_target.values())

    def active(self, now_ms: int) -> list[Fault]:
        """What is wrong now."""
        for fault in self.all():
            if fault.until_ms is not None and now_ms >= fault.until_ms:
                self._drop(fault)
        return list(self.all())

    def find(self, kind: FaultKind, now_ms: int, *targets: str) -> Fault | None:
        """A fault of that kind that holds now for one of the targets, or everywhere."""
        by_target = self._known.get(kind)
        if not by_target:
            return None
        for target in (*targets, EVERYWHERE):
            fault = by_target.get(target)
            if fault is None:
                continue
            if fault.until_ms is None or now_ms < fault.until_ms:
                return fault
            self._drop(fault)
        return None

    def _drop(self, fault: Fault) -> None:
        by_target = self._known.get(fault.kind, {})
        by_target.pop(fault.target, None)
        if not by_target:
            self._known.pop(fault.kind, None)
