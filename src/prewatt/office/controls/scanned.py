"""What a scan found, beside what the estate says hangs on that line; and the same as rows of the import workbook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from prewatt.office.controls.models import ControlOrder, ScanResult
from prewatt.office.customers import workbook
from prewatt.office.estate.models import Line, Meter

MOST_ADDRESSES = 247


class Match(StrEnum):
    """What a device that answered is to the estate."""

    KNOWN = "known"
    NEW = "new"  # nobody entered it
    OTHER = "other"  # something else is entered at this address: another serial or model
    SILENT = "silent"  # entered, in the range that was asked, and did not answer


@dataclass(frozen=True, slots=True)
class Row:
    """One address: what answered there, and what is entered there."""

    match: Match
    address: int
    baud: int
    parity: str
    profile: str
    candidates: str
    model_code: int | None
    serial: str
    meter: Meter | None


def rows(order: ControlOrder) -> list[Row]:
    """All that answered, and whoever should have, by address."""
    assert order.line is not None
    meters = list(Meter.objects.filter(line=order.line, retired_at__isnull=True).select_related("premises"))
    found = [_row(result, meters) for result in order.results.order_by("address", "serial", "baud")]
    met = {row.meter.pk for row in found if row.meter is not None}
    asked = range(int(order.body["from"]), int(order.body["from"]) + asked_of(order))
    silent = [meter for meter in meters if meter.pk not in met and meter.address in asked]
    every = [*found, *(_silent(order.line, meter) for meter in silent)]
    return sorted(every, key=lambda row: (row.address, row.serial))


def asked_of(order: ControlOrder) -> int:
    """How many addresses were asked on all settings so far."""
    span = int(order.body["to"]) - int(order.body["from"]) + 1
    others = max(len(str(order.body.get("settings", "")).split(",")) - 1, 0) * span
    return min(max(order.asked - others, 0), span)


def import_rows(order: ControlOrder) -> bytes:
    """A workbook of the devices that answered, ready to be completed and imported."""
    assert order.line is not None
    line = order.line
    taken = {row.address for row in rows(order)}
    free = (address for address in range(1, MOST_ADDRESSES + 1) if address not in taken)
    return workbook.found(_cells(line, row, free) for row in rows(order) if row.match is not Match.SILENT)


def _cells(line: Line, row: Row, free: Iterator[int]) -> tuple[workbook.Cell, ...]:
    """A row of the sheet of meters. A DL/T 645 meter has no address: it gets a free number as its place."""
    meter = row.meter
    if meter is not None:
        unit = meter.premises.number if meter.premises else ""
        return (
            meter.name, line.name, meter.address, row.profile or meter.profile, row.serial or meter.serial,
            meter.place, meter.cabinet, unit, meter.circuit, meter.role, meter.ct, meter.pt,
        )  # fmt: skip
    address = row.address or next(free)
    return f"{line.name}-{address:02d}", line.name, address, row.profile, row.serial, address, "", "", "", "", 1, 1


def _row(result: ScanResult, meters: Iterable[Meter]) -> Row:
    meter = next((one for one in meters if _is_at(one, result)), None)
    return Row(
        _match(result, meter), result.address, result.baud, result.parity, result.profile, result.candidates,
        result.model_code, result.serial, meter,
    )  # fmt: skip


def _is_at(meter: Meter, result: ScanResult) -> bool:
    if result.address:
        return meter.address == result.address
    return bool(result.serial) and meter.serial.zfill(12) == result.serial


def _match(result: ScanResult, meter: Meter | None) -> Match:
    if meter is None:
        return Match.NEW
    other_serial = bool(result.serial and meter.serial) and result.serial.zfill(12) != meter.serial.zfill(12)
    other_model = bool(result.profile) and result.profile != meter.profile
    return Match.OTHER if other_serial or other_model else Match.KNOWN


def _silent(line: Line, meter: Meter) -> Row:
    return Row(Match.SILENT, meter.address, line.baud, line.parity, meter.profile, "", None, meter.serial, meter)
