"""A simulated DL/T 645-2007 prepaid meter: its data items, its contactor commands, and purchases through a stub ESAM.

Written from the item tables and the behaviour of a prepaid meter's firmware (J3), never from our own profile. It takes
trip and close with a password in clear, as meters of property managers do; purchases only with a MAC of the test key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from prewatt.field.simulator.esam import TestSigner
from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.meters import dlt645
from prewatt.meters.dlt645 import Frame

MOST_BYTES = 196  # of an item in one frame
RECHARGE = 0x070102FF
_SIGNER = TestSigner()
_OTHER, _NO_DATA, _DENIED = 0x01, 0x02, 0x04
_PLAIN_CLASSES = (0x02, 0x04)

Read = Callable[[SimulatedMeter], bytes]


def answer(meter: SimulatedMeter, raw: bytes, *, most: int = MOST_BYTES) -> bytes | None:
    """What a meter that heard a frame says, None for silence; time for all is taken without a word."""
    request = dlt645.open_frame(raw)
    if request is None or request.control & dlt645.FROM_METER:
        return None
    if request.address == dlt645.BROADCAST:
        if request.function == dlt645.TIME:
            _set_clock(meter, request.data)
        return None
    if request.address not in (meter.serial.zfill(12), dlt645.WILDCARD):
        return None
    told = _told(meter, request, most)
    return told if meter.powered else None  # the supply may fail while it writes


def _told(meter: SimulatedMeter, request: Frame, most: int) -> bytes:
    match request.function:
        case dlt645.READ | dlt645.FOLLOW:
            return _read(meter, request, most)
        case dlt645.READ_ADDRESS:
            return dlt645.answer(request, meter.serial, dlt645.address_bytes(meter.serial))
        case dlt645.WRITE:
            return _result(meter, request, bytes(filter(None, (_write(meter, request.data),))))
        case dlt645.CONTROL:
            word = _control(meter, request.data)
            return _result(meter, request, word.to_bytes(2, "little") if word else b"")
        case dlt645.SECURITY:
            word = _recharge(meter, request.data)
            return _result(meter, request, word.to_bytes(2, "little") if word else b"")
    return _result(meter, request, bytes((_OTHER,)))


def _result(meter: SimulatedMeter, request: Frame, refusal: bytes) -> bytes:
    if refusal:
        return dlt645.refusal(request, meter.serial, refusal)
    return dlt645.answer(request, meter.serial)


# -- reading ----------------------------------------------------------------------------------------------------------


def _digits(value: int, size: int) -> bytes:
    """Packed decimal digits, low byte first, a minus in the top bit."""
    raw = bytearray(bytes.fromhex(f"{abs(value) % 10 ** (2 * size):0{2 * size}d}")[::-1])
    if value < 0:
        raw[-1] |= 0x80
    return bytes(raw)


def _read(meter: SimulatedMeter, request: Frame, most: int) -> bytes:
    """An item, or the part of it whose number was asked for."""
    identifier = request.identifier
    read = _ITEMS.get(identifier) if identifier is not None else None
    body = read(meter) if read else b""
    following = request.function == dlt645.FOLLOW
    part = request.data[4] if following and len(request.data) > 4 else 0
    piece = body[part * most : (part + 1) * most]
    if not piece or (following and not part):
        return dlt645.refusal(request, meter.serial, bytes((_NO_DATA,)))
    content = request.data[:4] + piece + (bytes((part,)) if following else b"")
    return dlt645.answer(request, meter.serial, content, follows=len(body) > (part + 1) * most)


def _all(size: int, of: Callable[[SimulatedMeter], Sequence[int]]) -> Read:
    """The numbers of all phases the meter has, one behind the other."""
    return lambda meter: b"".join(_digits(value, size) for value in of(meter))


def _one(size: int, of: Callable[[SimulatedMeter], Sequence[int]], place: int) -> Read:
    """One of them; nothing when the meter does not have it."""

    def read(meter: SimulatedMeter) -> bytes:
        values = of(meter)
        return _digits(values[place], size) if place < len(values) else b""

    return read


def _energies(meter: SimulatedMeter) -> Sequence[int]:
    return [meter.energy_quanta, *meter.quanta[:4]]


def _volts(meter: SimulatedMeter) -> Sequence[int]:
    return meter.electrics().volts[: meter.phases]


def _amperes(meter: SimulatedMeter) -> Sequence[int]:
    return [10 * value for value in meter.electrics().amperes[: meter.phases]]


def _watts(meter: SimulatedMeter) -> Sequence[int]:
    shown = meter.electrics()
    return [10 * value for value in (shown.total_w, *shown.watts[: meter.phases])]


def _factors(meter: SimulatedMeter) -> Sequence[int]:
    shown = meter.electrics()
    return [shown.total_factor, *shown.factors[: meter.phases]]


def _status_1(meter: SimulatedMeter) -> bytes:
    return ((meter.purse.remaining < 0) << 14).to_bytes(2, "little")


def _status_3(meter: SimulatedMeter) -> bytes:
    relay = meter.relay
    return (
        (not relay.closed) << 4
        | (relay.forced and relay.forced_open) << 6
        | (meter.purse.remaining < meter.purse.alarm_1) << 7
        | relay.prepaid << 9  # 10: money
        | (relay.forced and not relay.forced_open) << 12
    ).to_bytes(2, "little")


def _statuses(meter: SimulatedMeter) -> bytes:
    return _status_1(meter) + bytes(2) + _status_3(meter) + bytes(8)


def _last(meter: SimulatedMeter, name: str) -> int:
    records = meter.purse.records()
    return int(records[0][name]) if records else 0


def _last_date(meter: SimulatedMeter) -> bytes:
    records = meter.purse.records()
    when = datetime.strptime(records[0]["at"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if records else None
    parts = (when.minute, when.hour, when.day, when.month, when.year % 100) if when else (0,) * 5
    return b"".join(_digits(part, 1) for part in parts)


def _date(meter: SimulatedMeter) -> bytes:
    now = meter.civil()
    return b"".join(_digits(part, 1) for part in (now.isoweekday() % 7, now.day, now.month, now.year % 100))


def _time(meter: SimulatedMeter) -> bytes:
    now = meter.civil()
    return b"".join(_digits(part, 1) for part in (now.second, now.minute, now.hour))


def _address(meter: SimulatedMeter) -> bytes:
    return dlt645.address_bytes(meter.serial)


def _money(of: Callable[[SimulatedMeter], int]) -> Read:
    return lambda meter: _digits(of(meter), 4)


def _prices(meter: SimulatedMeter) -> bytes:
    return b"".join(_digits(price, 4) for price in meter.purse.prices[:4])


_ITEMS: dict[int, Read] = {
    0x00000000: _one(4, _energies, 0),
    **{0x00010000 | band << 8: _one(4, _energies, band) for band in range(5)},
    0x0001FF00: _all(4, _energies),
    0x00020000: lambda _meter: _digits(0, 4),
    **{0x02010100 + (place << 8): _one(2, _volts, place) for place in range(3)},
    0x0201FF00: _all(2, _volts),
    **{0x02020100 + (place << 8): _one(3, _amperes, place) for place in range(3)},
    0x0202FF00: _all(3, _amperes),
    **{0x02030000 + (place << 8): _one(3, _watts, place) for place in range(4)},
    0x0203FF00: _all(3, _watts),
    **{0x02060000 + (place << 8): _one(2, _factors, place) for place in range(4)},
    0x0206FF00: _all(2, _factors),
    0x02800002: lambda _meter: _digits(5_000, 2),
    0x00900200: _money(lambda meter: max(0, meter.purse.remaining)),
    0x00900201: _money(lambda meter: max(0, -meter.purse.remaining)),
    0x03330101: _last_date,
    0x03330201: lambda meter: _digits(meter.purse.count, 2),
    0x03330301: _money(lambda meter: _last(meter, "amount_fen")),
    0x03330401: _money(lambda meter: _last(meter, "remaining_fen") - _last(meter, "amount_fen")),
    0x03330501: _money(lambda meter: _last(meter, "remaining_fen")),
    0x03330601: _money(lambda meter: meter.purse.total),
    0x04000101: _date,
    0x04000102: _time,
    0x04000401: _address,
    0x04000402: _address,
    0x04000501: _status_1,
    0x04000503: _status_3,
    0x040005FF: _statuses,
    0x04001001: _money(lambda meter: meter.purse.alarm_1),
    0x04001002: _money(lambda meter: meter.purse.alarm_2),
    0x04001003: _money(lambda meter: meter.purse.overdraft),
    0x04001004: _money(lambda meter: meter.purse.ceiling),
    0x04001005: lambda _meter: _digits(0, 4),
    0x04001401: lambda _meter: _digits(0, 2),
    0x040501FF: _prices,
    0x040502FF: _prices,
}


# -- writing ----------------------------------------------------------------------------------------------------------

_LEVELS = {0x04001001: "alarm_1", 0x04001002: "alarm_2", 0x04001003: "overdraft", 0x04001004: "ceiling"}


def _number(raw: bytes) -> int | None:
    text = raw[::-1].hex()
    return int(text) if text.isdigit() else None


def _allowed(meter: SimulatedMeter, access: bytes) -> bool:
    """Whether password class and password (PA P0 P1 P2) are taken."""
    return access[0] in _PLAIN_CLASSES and _number(access[1:4]) == meter.password


def _write(meter: SimulatedMeter, data: bytes) -> int:
    """The error byte of a write, 0 when it was done."""
    if len(data) < 12:
        return _OTHER
    identifier, content = int.from_bytes(data[:4], "little"), data[12:]
    if not _allowed(meter, data[4:8]):
        return _DENIED
    fen = _number(content)
    if identifier not in _LEVELS:
        return _NO_DATA
    if len(content) != 4 or fen is None:
        return _OTHER
    setattr(meter.purse, _LEVELS[identifier], fen)
    if identifier == 0x04001003:
        meter.relay.overdraft_changed(meter.purse.remaining, fen)
    meter.touched()
    return 0


def _moment(raw: bytes) -> datetime | None:
    """Ss mm hh DD MM YY in packed decimals, as if UTC."""
    numbers = [_number(raw[place : place + 1]) for place in range(6)]
    if len(raw) != 6 or None in numbers:
        return None
    second, minute, hour, day, month, year = (number or 0 for number in numbers)
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _set_clock(meter: SimulatedMeter, data: bytes) -> None:
    when = _moment(data)
    if when is not None:
        meter.clock_drift_s += int(when.timestamp()) - meter.civil_second()
        meter.touched()


_MAC, _PASSWORD, _TIME_INVALID, _TRIP_REFUSED = 0x02, 0x04, 0x10, 0x20


def _control(meter: SimulatedMeter, data: bytes) -> int:
    """The refusal word of a command, 0 when it was taken."""
    if len(data) != 16 or data[0] not in _PLAIN_CLASSES:
        return _MAC
    if not _allowed(meter, data[:4]):
        return _PASSWORD
    until = _moment(data[10:])
    if until is None or until.timestamp() < meter.civil_second():
        return _TIME_INVALID
    return _obey(meter, data[8])


def _obey(meter: SimulatedMeter, command: int) -> int:
    relay = meter.relay
    kept = relay.forced and not relay.forced_open
    match command:
        case 0x1A:
            if kept:
                return _TRIP_REFUSED
            relay.forced, relay.forced_open = True, True
        case 0x1B | 0x1C:
            if relay.forced_open and not (relay.prepaid and relay.prepaid_open):
                relay.forced, relay.forced_open = False, False
        case 0x3A:
            relay.forced, relay.forced_open = True, False
        case 0x3B:
            if kept:
                relay.forced = False
        case 0x2A | 0x2B:
            pass  # a bell that nobody hears
        case _:
            return 0x01
    meter.touched()
    return 0


_SERR_OTHER, _REPEAT, _AUTHENTICATION, _CUSTOMER, _COUNT, _CEILING = 0x0001, 0x0002, 0x0008, 0x0010, 0x0020, 0x0040


def _recharge(meter: SimulatedMeter, data: bytes) -> int:
    """The SERR word of a purchase, 0 when it was booked. The customer number of a simulated meter is its serial."""
    if len(data) != 30 or int.from_bytes(data[:4], "little") != RECHARGE:
        return _SERR_OTHER
    purchase, number = data[8:16], data[20:26]
    if data[16:20] != _SIGNER.sign(meter.serial, purchase) or data[26:30] != _SIGNER.sign(meter.serial, number):
        return _AUTHENTICATION
    amount, count = int.from_bytes(purchase[:4], "little"), int.from_bytes(purchase[4:], "little")
    if number[::-1].hex() != meter.serial.zfill(12):
        return _CUSTOMER
    if count == meter.purse.count:
        return _REPEAT
    if count != meter.purse.count + 1:
        return _COUNT
    if meter.purse.refusal(amount, count):
        return _CEILING
    meter.buy(amount, count)
    return 0
