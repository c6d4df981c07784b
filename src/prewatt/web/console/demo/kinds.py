"""The faults a demo building can have, in a person's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from prewatt.core.errors import Refusal

LONGEST_S = 86_400


class Target(StrEnum):
    """What a fault befalls."""

    METER = "meter"
    LINE = "line"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault."""

    key: str
    title: str | Promise
    text: str | Promise
    icon: str
    target: Target
    at_purchase: bool = False  # may wait for the meter's next purchase


KINDS = (
    Kind("dead", _("Dead meter"), _("It counts on, but answers nobody."), "plug-off", Target.METER),
    Kind("noise", _("Noise"), _("Bits flip on the line, both ways."), "wave-square", Target.LINE),
    Kind("wrong-unit", _("Wrong unit answers"), _("A neighbour speaks up in its own name."), "users", Target.LINE),
    Kind("late", _("Late answers"), _("They come after we gave up waiting."), "hourglass", Target.LINE),
    Kind("gateway-lost", _("Gateway lost"), _("Gone from the network, with all its lines."), "router-off",
         Target.GATEWAY),
    Kind("power-cut", _("Power cut of a meter"), _("Now, or in the middle of its next purchase."), "bolt-off",
         Target.METER, at_purchase=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A fault that holds now."""

    kind: Kind
    target: str
    name: str
    left_s: int | None


def as_fault(fault: Mapping[str, Any], names: Mapping[str, str], now_ms: int) -> Shown:
    """A fault as the simulator tells it, in words."""
    kind = next(one for one in KINDS if one.key == fault["kind"])
    until = fault.get("until_ms")
    left = None if until is None else max(0, (int(until) - now_ms) // 1000)
    return Shown(kind, fault["target"], names.get(fault["target"], fault["target"]), left)


def whole_seconds(text: str) -> float | None:
    """Seconds from a form; None: until somebody clears it. Raises Refusal."""
    if not text.strip():
        return None
    if not text.strip().isdecimal() or not 0 < int(text) <= LONGEST_S:
        raise Refusal("bad-seconds", "Give whole seconds from 1 to %(most)d, or nothing.", most=LONGEST_S)
    return float(int(text))
