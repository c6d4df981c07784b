"""Registers of the simulated ADF400L, single- and three-phase users: from chapter 9.4 of its manual (V1.2, V1.8).

It has no serial number and gives no credit back: amounts and totals are unsigned, prices are whole fen. The bits of its
status word are not public; here they are those of register 0224 of the 1352, whose block names the ADF as a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.nk import status
from prewatt.field.simulator.registers import (
    RegisterMap,
    Span,
    bytes_of,
    constant,
    credit_shown,
    credit_write,
    value,
    words_of,
)  # fmt: skip
from prewatt.field.simulator.relay import NO_PRETRIP, STAY_OFF
from prewatt.meters.modbus import ILLEGAL_VALUE

_OPEN, _CLOSED = 0x0100, 0x0001
_MAINS_CHZ = 5_000
_PRICE_STEP = 100  # 1/10000 yuan in a fen


def _measured(meter: SimulatedMeter) -> bytes:
    """What is measured, before the energies: U, I, P, Q, power factor, frequency; three phases tell sums first."""
    shown = meter.electrics()
    if meter.phases == 1:
        numbers = [shown.volts[0], shown.amperes[0], shown.total_w, shown.total_var, shown.total_factor, _MAINS_CHZ]
    else:
        numbers = [
            *shown.volts, *shown.amperes, shown.total_w, *shown.watts, shown.total_var, *shown.vars,
            shown.total_factor, *shown.factors, _MAINS_CHZ,
        ]  # fmt: skip
    return b"".join((number & 0xFFFF).to_bytes(2, "big") for number in numbers)


def _phase_energies(meter: SimulatedMeter) -> bytes:
    """0352 to 035D of three-phase users: energy of each phase; reactive energy is not kept."""
    third, rest = divmod(meter.energy_quanta, 3)
    return b"".join(energy.to_bytes(4, "big") for energy in (third + rest, third, third)) + bytes(12)


def _status_word(meter: SimulatedMeter) -> int:
    high, low, _load, _forced = status(meter)
    return high << 8 | low


def _set_price(meter: SimulatedMeter, fen: int, *, rate: int) -> None:
    meter.purse.prices[rate] = fen * _PRICE_STEP
    if rate == 3:
        meter.purse.prices[4] = fen * _PRICE_STEP


def _price(address: int, rate: int) -> Span:
    return value(
        address, 2, lambda meter: meter.purse.prices[rate] // _PRICE_STEP, partial(_set_price, rate=rate),
        lambda _meter, fen: fen <= 10_000,
    )  # fmt: skip


def _money(address: int, name: str) -> Span:
    def put(meter: SimulatedMeter, fen: int) -> None:
        setattr(meter.purse, name, fen)
        if name == "overdraft":
            meter.relay.overdraft_changed(meter.purse.remaining, fen)

    return value(address, 2, lambda meter: int(getattr(meter.purse, name)), put, lambda _meter, fen: fen < 1 << 31)


def _set_recovery(meter: SimulatedMeter, seconds: int) -> None:
    meter.relay.pretrip_s = seconds  # here 0 means stay off


def _recovery(meter: SimulatedMeter) -> int:
    return STAY_OFF if meter.relay.pretrip_s == NO_PRETRIP else meter.relay.pretrip_s


def _set_prepaid(meter: SimulatedMeter, enabled: int) -> None:
    meter.relay.prepaid = bool(enabled)


def _rest_days(meter: SimulatedMeter) -> int:
    return ~meter.time_words[2] & 0xFE


def _set_rest_days(meter: SimulatedMeter, word: int) -> None:
    meter.time_words[2] = ~word & 0xFE


def _enable_time(meter: SimulatedMeter) -> None:
    """This model has no switch for time control: it is on when a period is set."""
    meter.time_words[0] = int(any(meter.time_words[3:27]))


def _clock(meter: SimulatedMeter) -> bytes:
    """090B to 090E: second minute, hour weekday, day month, year."""
    now = meter.civil()
    return bytes((now.second, now.minute, now.hour, now.isoweekday() % 7, now.day, now.month, 0, now.year % 100))


def _set_clock(meter: SimulatedMeter, offset: int, words: Sequence[int], dry: bool) -> int:
    if offset or len(words) != 4:
        return ILLEGAL_VALUE
    second, minute, hour, _week, day, month, _zero, year = b"".join(word.to_bytes(2, "big") for word in words)
    try:
        when = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return ILLEGAL_VALUE
    if not dry:
        meter.clock_drift_s += int(when.timestamp()) - meter.civil_second()
        meter.touched()
    return 0


def _set_force(meter: SimulatedMeter, word: int) -> None:
    meter.relay.forced, meter.relay.forced_open = word != 0, word == _OPEN


def _force(meter: SimulatedMeter) -> int:
    if not meter.relay.forced:
        return 0
    return _OPEN if meter.relay.forced_open else _CLOSED


def _state(start: int) -> list[Span]:
    """Energy, purse and status; ``start`` is the address of total energy."""
    return [
        value(start, 2, lambda meter: meter.energy_quanta),
        constant(start + 2, bytes(4)),
        value(start + 4, 2, lambda meter: meter.purse.remaining),
        value(start + 6, 2, lambda meter: meter.purse.total),
        value(start + 8, 1, lambda meter: meter.purse.count),
        value(start + 9, 2, lambda meter: meter.purse.base),
        value(start + 11, 1, _status_word),
        value(start + 12, 2, lambda meter: meter.purse.base),
        constant(start + 14, bytes(2)),
        _money(start + 15, "overdraft"),
        value(start + 17, 1, _recovery, _set_recovery, lambda _meter, word: word <= 255),
    ]


def _purse(start: int) -> list[Span]:
    """Prepaid switch, prices, alarms, purchase, base amount; ``start`` is the address of the switch."""
    return [
        value(start, 1, lambda meter: meter.relay.prepaid, _set_prepaid, lambda _meter, word: word in {0, 1}),
        *(_price(start + 1 + 2 * rate, rate) for rate in range(4)),
        _money(start + 9, "alarm_1"),
        _money(start + 11, "alarm_2"),
        Span(start + 13, 3, credit_shown, partial(credit_write, signed=False)),
        _money(start + 16, "base"),
    ]


def _controls(time: int, load: int, force: int) -> list[Span]:
    """Time control, load control and forced control, each from its address."""
    return [
        words_of(time, 12, lambda meter: meter.time_words, first=15, after=_enable_time),
        words_of(time + 12, 12, lambda meter: meter.time_words, first=3, after=_enable_time),
        value(time + 24, 1, _rest_days, _set_rest_days),
        words_of(load, 7, lambda meter: meter.load_control.words),
        constant(load + 7, bytes(2)),
        value(force, 1, _force, _set_force, lambda _meter, word: word in {0, _OPEN, _CLOSED}),
    ]


def _rates(start: int) -> list[Span]:
    return [
        value(start + 2 * rate, 2, lambda meter, rate=rate: meter.quanta[rate])  # type: ignore[misc]
        for rate in range(4)
    ]


def _shared() -> list[Span]:
    """What a user's meter has whatever its phases: line, clock, tables, logs."""
    return [
        value(0x0900, 1, lambda meter: meter.plan.address),
        constant(0x0901, bytes(16)),  # 9600 8N1, password, and 0908: prepaid
        Span(0x090B, 4, _clock, _set_clock),
        bytes_of(0x0914, 21, lambda meter: meter.tables[0]),
        bytes_of(0x0929, 21, lambda meter: meter.tables[1]),
        bytes_of(0x093E, 6, lambda meter: meter.zones),
        Span(0x1A00, 12, lambda _meter: bytes(240), step=20),
        Span(0x1B00, 20, lambda meter: meter.purse.log_bytes(), step=20),
    ]


ADF_MAP = RegisterMap([
    Span(0x0300, 6, _measured), *_state(0x0306), *_rates(0x0400), *_purse(0x0500),
    *_controls(0x0600, 0x0700, 0x0801), *_shared(),
])  # fmt: skip

ADF_3P_MAP = RegisterMap([
    Span(0x033F, 19, _measured), Span(0x0352, 12, _phase_energies), *_state(0x035E), constant(0x0370, bytes(2)),
    *_rates(0x0430), *_purse(0x0536), *_controls(0x064E, 0x0718, 0x0804), *_shared(),
])  # fmt: skip
