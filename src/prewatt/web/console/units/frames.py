"""Raw frames of a line in words: who was asked what, who answered, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from prewatt.meters import dlt645, dlt645_words, modbus, registry
from prewatt.meters.profile import Profile
from prewatt.office.estate.models import Meter
from prewatt.office.readings.models import LineFrame

READ = 3
EXCEPTIONS = {
    1: gettext_lazy("illegal function"),
    2: gettext_lazy("illegal register"),
    3: gettext_lazy("illegal value"),
    4: gettext_lazy("device failure"),
    6: gettext_lazy("busy"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A frame as a person reads it. ``kind`` is sent, answer, refusal or trouble."""

    pk: int
    at: datetime
    kind: str
    unit: int | None
    meter: str
    function: str
    meaning: str
    hex: str
    size: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Who sits at an address."""

    name: str
    profile: Profile | None
    serial: str = ""  # by which a DL/T 645 meter is called


def neighbours(meters: Iterable[Meter]) -> dict[int, Neighbour]:
    """The meters of a line by address."""
    known = set(registry.names())
    return {
        meter.address: Neighbour(
            meter.name, registry.get(meter.profile) if meter.profile in known else None, meter.serial.zfill(12)
        )
        for meter in meters
    }


def told(rows: Iterable[LineFrame], meters: Mapping[int, Neighbour]) -> list[Told]:
    """Frames, oldest first, each in words; an answer is named after the question before it."""
    asked: modbus.Request | None = None
    found = []
    for row in rows:
        data = bytes(row.data)
        item = dlt645.open_frame(data)
        if item is not None:
            asked = None
            found.append(_item(row, data, item, meters))
        elif row.direction == "tx":
            asked = modbus.open_request(data)
            found.append(_sent(row, data, asked, meters))
        elif row.direction == "rx":
            found.append(_answer(row, data, asked, meters))
        else:
            found.append(_trouble(row, data, asked, meters))
    return found


def _item(row: LineFrame, data: bytes, frame: dlt645.Frame, meters: Mapping[int, Neighbour]) -> Told:
    """A frame of DL/T 645: its own identifier tells what it is about."""
    unit = next((unit for unit, one in meters.items() if one.serial == frame.address), None)
    name = frame.address if unit is None else ""
    function, what = f"{frame.control:02X}", _item_name(frame, meters.get(unit) if unit is not None else None)
    if not frame.control & dlt645.FROM_METER:
        reads = frame.function in (dlt645.READ, dlt645.FOLLOW, dlt645.READ_ADDRESS)
        meaning = _("reads %(what)s") % {"what": what} if reads else _("writes %(what)s") % {"what": what}
        return _row(row, data, "sent", unit, meters, function, f"{name} {meaning}".strip())
    if frame.control & dlt645.ERROR:
        answer = dlt645.open_refusal(frame)
        words = ", ".join(dlt645_words.explain(answer))
        meaning = _("refuses: %(why)s") % {"why": words}
        return _row(row, data, "refusal", unit, meters, function, meaning)
    if frame.identifier is None:
        return _row(row, data, "answer", unit, meters, function, _("has taken the write"))
    shown = dlt645_words.shown(frame.identifier, frame.data[4:])
    return _row(row, data, "answer", unit, meters, function, _("answers %(what)s") % {"what": shown})


def _item_name(frame: dlt645.Frame, meter: Neighbour | None) -> str:
    """The block's name where the meter's profile knows it, and the data identifier."""
    if frame.identifier is None:
        return ""
    for block in meter.profile.blocks if meter and meter.profile else ():
        if block.address == frame.identifier:
            return f"{block.name} {frame.identifier:08X}"
    return f"{frame.identifier:08X}"


def _sent(row: LineFrame, data: bytes, request: modbus.Request | None, meters: Mapping[int, Neighbour]) -> Told:
    if request is None:
        return _row(row, data, "sent", None, meters, "", row.note)
    what = _registers(request, meters)
    if request.function == READ:
        meaning = _("reads %(what)s") % {"what": what}
    else:
        meaning = _("writes %(what)s") % {"what": what}
    return _row(row, data, "sent", request.unit, meters, f"{request.function:02X}", meaning)


def _answer(row: LineFrame, data: bytes, asked: modbus.Request | None, meters: Mapping[int, Neighbour]) -> Told:
    if len(data) < modbus.MIN_ANSWER or not modbus.sound(data):
        return _row(
            row, data, "trouble", data[0] if data else None, meters, "", _("damaged: the check sum does not hold")
        )
    answer = modbus.open_answer(data)
    function = f"{data[1]:02X}"
    if answer.exception:
        why = EXCEPTIONS.get(answer.exception, "")
        meaning = _("refuses, exception %(code)d %(why)s") % {"code": answer.exception, "why": why}
        return _row(row, data, "refusal", answer.unit, meters, function, meaning.rstrip())
    if answer.function != READ:
        return _row(row, data, "answer", answer.unit, meters, function, _("has taken the write"))
    block = _registers(asked, meters) if asked and asked.unit == answer.unit else ""
    meaning = _("answers %(n)d registers %(what)s") % {"n": len(answer.body) // 2, "what": block}
    return _row(row, data, "answer", answer.unit, meters, function, meaning.rstrip())


def _trouble(row: LineFrame, data: bytes, asked: modbus.Request | None, meters: Mapping[int, Neighbour]) -> Told:
    words = {
        "timeout": _("no answer in time"),
        "crc": _("damaged: the check sum does not hold"),
        "foreign": _("only somebody else answered"),
        "closed": _("the link to the gateway closed"),
    }
    unit = asked.unit if asked else None
    return _row(row, data, "trouble", unit, meters, "", words.get(row.note, row.note))


def _registers(request: modbus.Request, meters: Mapping[int, Neighbour]) -> str:
    """The block's name where the meter's profile knows it, and the registers."""
    where = f"{request.address:04X}h × {request.count}"
    meter = meters.get(request.unit)
    for block in meter.profile.blocks if meter and meter.profile else ():
        if block.address <= request.address < block.address + block.count:
            return f"{block.name} {where}"
    return where


def _row(
    row: LineFrame,
    data: bytes,
    kind: str,
    unit: int | None,
    meters: Mapping[int, Neighbour],
    function: str,
    meaning: str,
) -> Told:
    meter = meters.get(unit) if unit is not None else None
    name = meter.name if meter else ""
    return Told(row.pk, row.at, kind, unit, name, function, meaning, data.hex(" ").upper(), len(data))
