"""Registers of the simulated DDSY1352-NK and DTSY1352-NK: the physical truth that a register profile is tried against.

Written from the tables of addresses alone (makers' manual T181, a maker's PC tool, EMS4J), never from our own
profiles, so that a slip in a profile shows as a wrong reading. Registers for buying are in the ADF400L's form: ours.
"""

from __future__ import annotations

from functools import partial
from struct import Struct

from prewatt.field.simulator.electrics import GLIMPSE_MS
from prewatt.field.simulator.meter import SimulatedMeter
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
from prewatt.field.simulator.relay import NO_PRETRIP

# model · U×3 I×3 · P×4 Q×4 PF×4 · PT CT · total and four rates · remaining · count, trips, allowed · status · base
_STATE = Struct(">H 3H 3H 4h 4h 4h 2H 5I i 3H 4B I")
_MODEL = {1: 7, 3: 5}
_POWER_MAX = 32_767
_TAIL = bytes(9)  # demand and model bytes: this meter keeps none


def status(meter: SimulatedMeter) -> tuple[int, int, int, int]:
    """The four status bytes at 0224 and 0225. A single-phase meter has circuit 1 only."""
    relay, purse, load = meter.relay, meter.purse, meter.load_control
    circuits = 7 if meter.phases == 3 else 1
    return (
        circuits << 5 if relay.closed else 0,
        (0 if relay.prepaid_open else circuits)
        | relay.prepaid << 3
        | load.over << 4
        | (purse.remaining <= 0) << 5
        | (purse.remaining < purse.alarm_1) << 6
        | (purse.remaining < purse.alarm_2) << 7,
        (0 if relay.load_open else circuits) | load.enabled << 3,
        (0 if relay.forced_open else circuits)
        | relay.forced << 3
        | (0 if relay.time_open else circuits << 4)
        | bool(meter.time_words[0]) << 7,
    )


def _pack_state(meter: SimulatedMeter) -> bytes:
    shown, purse = meter.electrics(), meter.purse
    sharp, peak, flat, valley, _deep = meter.quanta
    return _STATE.pack(
        _MODEL[meter.phases], *shown.volts, *shown.amperes,
        *shown.watts, min(shown.total_w, _POWER_MAX), *shown.vars, shown.total_var,
        *shown.factors, shown.total_factor, *meter.ratios,
        meter.energy_quanta, sharp, peak, flat, valley,
        purse.remaining, purse.count, meter.load_control.trips, meter.load_control.allowed,
        *status(meter), purse.base,
    )  # fmt: skip


class _StateBlock:
    """The composite block at 0200, packed again only when something in it moved; the clock is put in each time."""

    __slots__ = ("day", "day_bytes", "head", "key")

    def __init__(self) -> None:
        self.key: tuple[int, int, int] = (-1, -1, -1)
        self.head = b""
        self.day = -1
        self.day_bytes = b""

    def bytes(self, meter: SimulatedMeter) -> bytes:
        key = (meter.at_ms // GLIMPSE_MS, meter.energy_quanta, meter.version)
        if key != self.key:
            self.key, self.head = key, _pack_state(meter)
        day, second = divmod(meter.civil_second(), 86_400)
        if day != self.day:
            date = meter.civil()
            self.day = day
            self.day_bytes = bytes((date.year % 100, date.month, date.day, date.isoweekday() % 7))
        hour, rest = divmod(second, 3600)
        return self.head + self.day_bytes + bytes((hour, *divmod(rest, 60))) + _TAIL


def _state(meter: SimulatedMeter) -> bytes:
    block = meter.shown
    if not isinstance(block, _StateBlock):
        block = meter.shown = _StateBlock()
    return block.bytes(meter)


def _serial(meter: SimulatedMeter) -> bytes:
    return bytes.fromhex(meter.serial)


def _base_table(meter: SimulatedMeter) -> bytes:
    shown = meter.electrics()
    numbers = (shown.volts[0], shown.amperes[0], shown.total_w, shown.total_var, shown.total_va, shown.total_factor)
    return b"".join((number & 0xFFFF).to_bytes(2, "big") for number in numbers)


def _legacy_head(meter: SimulatedMeter) -> bytes:
    """0046 to 0056: the older form of the prepaid block, read only."""
    purse = meter.purse
    limits = b"".join(limit.to_bytes(4, "big") for limit in (purse.alarm_1, purse.alarm_2, purse.overdraft, 0))
    credit = purse.count.to_bytes(2, "big") + purse.remaining.to_bytes(4, "big", signed=True)
    return limits + credit + bytes(8) + bytes((meter.relay.prepaid, 0)) + bytes(2)


def _legacy_tail(meter: SimulatedMeter) -> bytes:
    """0059 to 0061: prices and the power limit of the older form, read only."""
    prices = b"".join(price.to_bytes(4, "big") for price in meter.purse.prices[:4])
    return prices + meter.load_control.words[1].to_bytes(2, "big")


def _port(meter: SimulatedMeter) -> bytes:
    return bytes((meter.plan.address, 3, 0, 0)) + _serial(meter)  # 9600 8N1


def _set_price(meter: SimulatedMeter, price: int, *, rate: int) -> None:
    meter.purse.prices[rate] = price
    if rate == 3:
        meter.purse.prices[4] = price  # these meters have no price of their own for deep valley


def _price(rate: int) -> Span:
    return value(
        0x0402 + 2 * rate, 2, lambda meter: meter.purse.prices[rate], partial(_set_price, rate=rate),
        lambda _meter, price: price <= 1_000_000,
    )  # fmt: skip


def _set_overdraft(meter: SimulatedMeter, limit: int) -> None:
    meter.purse.overdraft = limit
    meter.relay.overdraft_changed(meter.purse.remaining, limit)


def _set_prepaid(meter: SimulatedMeter, enabled: int) -> None:
    meter.relay.prepaid = bool(enabled)


def _set_forced(meter: SimulatedMeter, enabled: int) -> None:
    meter.relay.forced = bool(enabled)


def _set_forced_open(meter: SimulatedMeter, is_open: int) -> None:
    meter.relay.forced_open = bool(is_open)


def _set_pretrip(meter: SimulatedMeter, seconds: int) -> None:
    meter.relay.pretrip_s = seconds or NO_PRETRIP


def _money(address: int, name: str) -> Span:
    """A level of the purse in 0.01 yuan."""

    def put(meter: SimulatedMeter, fen: int) -> None:
        setattr(meter.purse, name, fen)

    return value(address, 2, lambda meter: int(getattr(meter.purse, name)), put, _reasonable)


def _reasonable(_meter: SimulatedMeter, fen: int) -> bool:
    return fen < 1 << 31


def _switch(_meter: SimulatedMeter, word: int) -> bool:
    return word in (0, 1)


def _ratio(address: int, place: int) -> Span:
    def put(meter: SimulatedMeter, ratio: int) -> None:
        meter.ratios[place] = ratio

    return value(address, 1, lambda meter: meter.ratios[place], put, lambda _meter, ratio: 1 <= ratio <= 9999)


def _set_password(meter: SimulatedMeter, word: int) -> None:
    meter.password = word


def _common() -> list[Span]:
    return [
        value(0x0000, 2, lambda meter: meter.energy_quanta),
        *(value(0x0002 + 2 * rate, 2, lambda meter, rate=rate: meter.quanta[rate]) for rate in range(4)),  # type: ignore[misc]
        value(0x000A, 1, lambda meter: meter.password, _set_password, lambda _meter, word: word <= 9999),
        Span(0x000B, 6, _base_table),
        constant(0x0022, (0b0100_0001).to_bytes(2, "big")),  # multi-rate, relay inside, prepaid
        _ratio(0x0037, 0),
        _ratio(0x0038, 1),
        Span(0x0043, 3, _serial),
        Span(0x0046, 17, _legacy_head),
        value(0x0057, 1, lambda meter: meter.relay.forced, _set_forced, _switch),
        value(0x0058, 1, lambda meter: meter.relay.forced_open, _set_forced_open, _switch),
        Span(0x0059, 9, _legacy_tail),
        constant(0x0063, bytes(2)),
        Span(0x0200, 48, _state),
        Span(0x0360, 5, _port),
        *_prepaid_block(),
        Span(0x050D, 3, credit_shown, partial(credit_write, signed=True)),
        Span(0x1B00, 200, lambda meter: meter.purse.log_bytes()),
        value(0x5030, 2, lambda meter: meter.quanta[4]),
    ]


def _prepaid_block() -> list[Span]:
    """0400 to 0418, the newer form of the prepaid block."""
    return [
        value(0x0400, 1, lambda meter: meter.relay.prepaid, _set_prepaid, _switch),
        value(0x0401, 1, lambda meter: meter.purse.count),
        *(_price(rate) for rate in range(4)),
        _money(0x040A, "alarm_1"),
        _money(0x040C, "alarm_2"),
        value(0x040E, 2, lambda meter: meter.purse.overdraft, _set_overdraft, _reasonable),
        _money(0x0410, "ceiling"),
        value(0x0412, 2, lambda meter: meter.purse.total),
        value(0x0414, 2, lambda meter: meter.purse.remaining),
        value(0x0416, 2, lambda meter: meter.purse.base),
        value(0x0418, 1, lambda meter: max(0, meter.relay.pretrip_s), _set_pretrip, lambda _meter, word: word <= 255),
    ]


def _controls(circuits: int) -> list[Span]:
    return [
        words_of(0x0420, 1 + 26 * circuits, lambda meter: meter.time_words),
        words_of(0x0480, 1 + 6 * circuits, lambda meter: meter.load_control.words),
    ]


DDSY_MAP = RegisterMap([
    *_common(), *_controls(1),
    bytes_of(0x2000, 6, lambda meter: meter.zones),
    bytes_of(0x2006, 21, lambda meter: meter.tables[0]),
    bytes_of(0x201B, 21, lambda meter: meter.tables[1]),
])  # fmt: skip

DTSY_MAP = RegisterMap([
    *_common(), *_controls(3),
    bytes_of(0x0028, 6, lambda meter: meter.zones),
    bytes_of(0x2000, 21, lambda meter: meter.tables[0]),
    bytes_of(0x2015, 21, lambda meter: meter.tables[1]),
])  # fmt: skip
