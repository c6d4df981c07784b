"""Registers of simulated instruments without a purse: DTSD1352 and its sisters, PZ panel meters, ACR network meters.

Written from the makers' tables alone, never from our own profiles. A DTSD1352 counts on the transformers' secondary
side; a PZ shows four digits and says in another register where their point stands, and tells primary energy as a
float, for that is what it has.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.registers import RegisterMap, Span, constant, value

_MAINS_CHZ = 5_000
_FLOAT = Struct(">f")
_FOUR_DIGITS = 9_999


def _words(numbers: Iterable[int]) -> bytes:
    return b"".join((number & 0xFFFF).to_bytes(2) for number in numbers)


def _longs(numbers: Iterable[int]) -> bytes:
    return b"".join((number & 0xFFFF_FFFF).to_bytes(4) for number in numbers)


# -- DTSD1352, DTSF1352, ADL3000 --------------------------------------------------------------------------------------


def _secondary(meter: SimulatedMeter, primary: int) -> int:
    """What the register counts: the primary without both transformers."""
    return primary // (meter.ratios[0] * meter.ratios[1])


def _dtsd_energies(meter: SimulatedMeter) -> bytes:
    """0000 to 003B: active total, four bands, forward with bands, reverse, reactive; 0.01 kWh of the secondary."""
    bands = [_secondary(meter, quanta) for quanta in meter.quanta[:4]]
    total = _secondary(meter, meter.energy_quanta)
    fifth = [total, *bands]
    return _longs([*fifth, *fifth, *[0] * 20])


def _dtsd_clock(meter: SimulatedMeter) -> bytes:
    now = meter.civil()
    return bytes((now.year % 100, now.month, now.day, now.hour, now.minute, now.second))


def _dtsd_moment(meter: SimulatedMeter) -> bytes:
    """0061 to 0077: U, I, P, Q, S, power factor, F."""
    shown = meter.electrics()
    pt, ct = meter.ratios
    both = pt * ct
    apparent = [
        watts * 1000 // factor // both if factor else 0
        for watts, factor in zip(shown.watts, shown.factors, strict=True)
    ]  # fmt: skip
    return _words([
        *(volts // pt for volts in shown.volts), *(amperes // ct for amperes in shown.amperes),
        *(watts // both for watts in shown.watts), shown.total_w // both,
        *(reactive // both for reactive in shown.vars), shown.total_var // both,
        *apparent, shown.total_va // both,
        *shown.factors, shown.total_factor,
        _MAINS_CHZ,
    ])  # fmt: skip


DTSD_MAP = RegisterMap([
    Span(0x0000, 60, _dtsd_energies), Span(0x003C, 3, _dtsd_clock), Span(0x0061, 23, _dtsd_moment),
    value(0x014B, 1, lambda meter: meter.ratios[1]),
])  # fmt: skip


# -- PZ and ACR -------------------------------------------------------------------------------------------------------


def four_digits(values: list[int], per_unit: int) -> tuple[int, list[int]]:
    """Values as integers of four digits and the place of their point: value = count x 10^(point - 4) units.

    ``per_unit``: how many of the given make one unit.
    """
    point = 1
    while max(abs(one) for one in values) * 10 ** max(0, 4 - point) > _FOUR_DIGITS * per_unit * 10 ** max(0, point - 4):
        point += 1
    counts = [abs(one) * 10 ** max(0, 4 - point) // (per_unit * 10 ** max(0, point - 4)) for one in values]
    return point, counts


def _pz_moment(meter: SimulatedMeter) -> bytes:
    """34 to 62: relays, points, signs, U, I, P, Q, power factor, S, F; all of the primary side."""
    shown = meter.electrics()
    line_volts = [volts * 1732 // 1000 for volts in shown.volts]
    volt_point, volts = four_digits([*shown.volts, *line_volts], 10)
    ampere_point, amperes = four_digits(list(shown.amperes), 100)
    apparent = [shown.total_va // 3] * 3
    powers = [*shown.watts, shown.total_w, *shown.vars, shown.total_var, *apparent, shown.total_va]
    power_point, power = four_digits(powers, 1)
    signs = sum(1 << place for place, watts in enumerate([*powers[:4], *powers[4:8]]) if watts < 0)
    return _words([
        0, volt_point << 8 | ampere_point, power_point << 8 | signs, *volts, *amperes, *power[:8],
        *shown.factors, shown.total_factor, *power[8:], _MAINS_CHZ,
    ])  # fmt: skip


def _pz_energies(meter: SimulatedMeter) -> bytes:
    """63 to 78: secondary side in Wh as whole numbers, then primary side in kWh as floats; nothing flows back."""
    secondary = _longs([_secondary(meter, meter.energy_quanta * 10), 0, 0, 0])
    return secondary + _FLOAT.pack(meter.energy_quanta / 100) + _FLOAT.pack(0.0) * 3


PZ_MAP = RegisterMap([
    value(1, 1, lambda meter: meter.plan.address), constant(2, bytes(2)),
    value(3, 1, lambda meter: meter.ratios[0]), value(4, 1, lambda meter: meter.ratios[1]),
    Span(34, 29, _pz_moment), Span(63, 16, _pz_energies),
])  # fmt: skip
