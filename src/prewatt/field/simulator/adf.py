"""Registers of the simulated ADF400L, single-phase users: written from chapter 9.4 of its manual (V1.2, V1.8).

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
_PRICE_STEP = 100  # 1/10000 yuan in a fen


def _measured(meter: SimulatedMeter) -> bytes:
    """0300 to 0305: U, I, P and what we put in the manual's gap: Q, S and power factor."""
    shown = meter.electrics()
    numbers = (shown.volts[0], shown.amperes[0], shown.total_w, shown.total_var, shown.total_va, shown.total_factor)
    return b"".join((number & 0xFFFF).to_bytes(2, "big") for number in numbers)


def _status_word(meter: SimulatedMeter) -> int:
    high, low, _load, _forced = status(meter)
    return high << 8 | low


def _set_price(meter: SimulatedMeter, fen: int, *, rate: int) -> None:
    meter.purse.prices[rate] = fen * _PRICE_STEP
    if rate == 3:
        meter.purse.prices[4] = fen * _PRICE_STEP


def _price(rate: int) -> Span:
    return value(
        0x0501 + 2 * rate, 2, lambda meter: meter.purse.prices[rate] // _PRICE_STEP, partial(_set_price, rate=rate),
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


def _set_forced(meter: SimulatedMeter, kind: int) -> None:
    meter.relay.forced = bool(kind)


def _set_forced_state(meter: SimulatedMeter, word: int) -> None:
    meter.relay.forced_open = word == _OPEN


def _rest_days(meter: SimulatedMeter) -> int:
    return ~meter.time_words[1] & 0xFE


def _set_rest_days(meter: SimulatedMeter, word: int) -> None:
    meter.time_words[1] = ~word & 0xFE
    meter.time_words[0] = int(any(meter.time_words[2:26]))


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


def _purse_block() -> list[Span]:
    return [
        Span(0x0300, 6, _measured),
        value(0x0306, 2, lambda meter: meter.energy_quanta),
        constant(0x0308, bytes(4)),
        value(0x030A, 2, lambda meter: meter.purse.remaining),
        value(0x030C, 2, lambda meter: meter.purse.total),
        value(0x030E, 1, lambda meter: meter.purse.count),
        value(0x030F, 2, lambda meter: meter.purse.base),
        value(0x0311, 1, _status_word),
        value(0x0312, 2, lambda meter: meter.purse.base),
        constant(0x0314, bytes(2)),
        _money(0x0315, "overdraft"),
        value(0x0317, 1, _recovery, _set_recovery, lambda _meter, word: word <= 255),
        *(value(0x0400 + 2 * rate, 2, lambda meter, rate=rate: meter.quanta[rate]) for rate in range(4)),  # type: ignore[misc]
    ]


ADF_MAP = RegisterMap([
    *_purse_block(),
    value(0x0500, 1, lambda meter: meter.relay.prepaid, _set_prepaid, lambda _meter, word: word in (0, 1)),
    *(_price(rate) for rate in range(4)),
    _money(0x0509, "alarm_1"),
    _money(0x050B, "alarm_2"),
    Span(0x050D, 3, credit_shown, partial(credit_write, signed=False)),
    _money(0x0510, "base"),
    words_of(0x0600, 12, lambda meter: meter.time_words, first=14),
    words_of(0x060C, 12, lambda meter: meter.time_words, first=2),
    value(0x0618, 1, _rest_days, _set_rest_days),
    words_of(0x0700, 7, lambda meter: meter.load_control.words),
    constant(0x0707, bytes(2)),
    value(0x0800, 1, lambda meter: meter.relay.forced, _set_forced, lambda _meter, word: word in (0, 1)),
    value(
        0x0801, 1, lambda meter: _OPEN if meter.relay.forced_open else _CLOSED, _set_forced_state,
        lambda _meter, word: word in (_OPEN, _CLOSED),
    ),
    value(0x0900, 1, lambda meter: meter.plan.address),
    constant(0x0901, bytes(14)),  # 9600 8N1, password
    constant(0x0908, bytes(2)),
    Span(0x090B, 4, _clock, _set_clock),
    bytes_of(0x0914, 21, lambda meter: meter.tables[0]),
    bytes_of(0x0929, 21, lambda meter: meter.tables[1]),
    bytes_of(0x093E, 6, lambda meter: meter.zones),
    Span(0x1A00, 12, lambda _meter: bytes(240), step=20),
    Span(0x1B00, 20, lambda meter: meter.purse.log_bytes(), step=20),
])  # fmt: skip
