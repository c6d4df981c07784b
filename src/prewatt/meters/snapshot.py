"""One poll as people read it: named quantities with units, the contactor, the mode, and how far each fact is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from prewatt.core.supply import ContactorState, MeterFlag, SupplyMode
from prewatt.meters.decode import NO_RATIOS, decoder, net
from prewatt.meters.plan import identity
from prewatt.meters.row import ABSENT, CONTACTOR_CODES, MODE_CODES
from prewatt.meters.shape import Profile, Proof
from prewatt.meters.status import status

# dimension -> (canonical units in one printed unit, places, printed unit)
_PRINTED = {
    "energy": (1000, 2, "kWh"),
    "money": (100, 2, "yuan"),
    "power": (1000, 3, "kW"),
    "reactive": (1000, 3, "kvar"),
    "reactive-energy": (1000, 2, "kvarh"),
    "voltage": (10, 1, "V"),
    "current": (100, 2, "A"),
    "frequency": (100, 2, "Hz"),
    "price": (10_000, 4, "yuan/kWh"),
    "duration": (1, 0, "s"),
    "ratio": (1000, 3, ""),
    "count": (1, 0, ""),
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """One value in canonical whole units, and where it stands and comes from."""

    name: str
    value: int
    dimension: str
    block: str
    register: int
    proof: Proof

    def __str__(self) -> str:
        """The value as a person reads it, such as ``12345.67 kWh``."""
        per_unit, places, unit = _PRINTED[self.dimension]
        whole, rest = divmod(abs(self.value), per_unit)
        text = f"{'-' if self.value < 0 else ''}{whole}"
        if places:
            text += f".{rest * 10**places // per_unit:0{places}d}"
        return f"{text} {unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a meter said in one poll. ``clock``: its own clock as if UTC, epoch seconds, None when not told."""

    profile: str
    quantities: Mapping[str, Quantity]
    bits: Mapping[str, bool]
    contactor: ContactorState
    mode: SupplyMode
    flags: MeterFlag
    serial: str | None
    clock: int | None

    def value(self, name: str) -> int | None:
        """A quantity in canonical units, None when the poll did not hold it."""
        found = self.quantities.get(name)
        return None if found is None else found.value


def snapshot(profile: Profile, bodies: Mapping[str, bytes], ratios: Mapping[str, int] = NO_RATIOS) -> Snapshot:
    """The view of the bodies of any blocks of a profile; the first block that holds a name gives it.

    ``ratios``: of the transformers in front of this meter, as the estate has them.
    """
    reader = decoder(profile)
    context = reader.context(bodies, ratios)
    quantities: dict[str, Quantity] = {}
    bits: dict[str, bool] = {}
    for block in profile.blocks:
        body = bodies.get(block.name)
        if body is None:
            continue
        values = reader.values(block.name, body, context)
        for one in block.fields:
            if one.dimension and one.name in values and one.name not in quantities:
                register = block.address + (one.offset // 2 if block.width == 2 else 0)
                quantities[one.name] = Quantity(
                    one.name, values[one.name], one.dimension, block.name, register, one.proof
                )  # fmt: skip
        bits = reader.bits(block.name, body) | bits
    credit, owed = quantities.get("credit"), quantities.get("overdrawn")
    if credit is not None and owed is not None:
        quantities["credit"] = credit = replace(credit, value=net(credit.value, owed.value))
    found = status(bits, profile.phases, funded=credit is not None and credit.value > 0)
    clock = reader.clock(bodies)
    return Snapshot(
        profile=profile.name,
        quantities=quantities,
        bits=bits,
        contactor=ContactorState(CONTACTOR_CODES[found.contactor]),
        mode=SupplyMode(MODE_CODES[found.mode]),
        flags=MeterFlag(found.flags),
        serial=identity(profile, bodies) if profile.identity == "serial" else None,
        clock=None if clock == ABSENT else clock,
    )
