"""Files that are no workbook, that are too much of one, or that were damaged: refused in one line, nothing written."""

from __future__ import annotations

import io
import random
import zipfile

import pytest

from prewatt.core.errors import Refusal
from prewatt.office.customers import workbook
from prewatt.office.customers.workbook import guard
from prewatt.office.estate.models import Meter, UnitGroup
from tests.office import factories as make
from tests.office.customers.books import Sheets, book, building

SEEDS = 60
A_SHEET = "xl/worksheets/sheet1.xml"


def remade(data: bytes, changes: dict[str, bytes | None], *, add: dict[str, bytes] | None = None) -> bytes:
    """The same archive with some parts replaced (None: taken out) and others added."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = changes.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
        for name, content in (add or {}).items():
            new.writestr(name, content)
    return target.getvalue()


def refusal_of(data: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        workbook.read(data)
    assert str(refused.value)
    return refused.value.code


def sheet_of(cells: str) -> bytes:
    head = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    return f"{head}<sheetData>{cells}</sheetData></worksheet>".encode()


@pytest.mark.parametrize("data", [b"", b"name,kind\nA,zone\n", b"PK\x03\x04" + b"\0" * 200, b"\xd0\xcf\x11\xe0" * 99])
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    assert refusal_of(data) == "workbook-damaged"


def test_a_file_over_10_mb_is_refused_before_it_is_opened() -> None:
    assert refusal_of(b"PK" + bytes(guard.MOST_BYTES)) == "workbook-size"


def test_a_bomb_that_unpacks_to_more_than_100_mb_is_refused() -> None:
    bomb = remade(book(building(1)), {}, add={"xl/media/image1.png": bytes(guard.MOST_UNPACKED)})
    assert len(bomb) < 1_000_000
    assert refusal_of(bomb) == "workbook-unpacked"


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    bomb = bytearray(remade(book(building(1)), {}, add={"xl/media/image1.png": bytes(guard.MOST_UNPACKED)}))
    told = guard.MOST_UNPACKED.to_bytes(4, "little")
    place = bomb.find(told)
    while place >= 0:
        bomb[place : place + 4] = (10).to_bytes(4, "little")
        place = bomb.find(told)
    assert refusal_of(bytes(bomb)) == "workbook-damaged"


def test_more_than_200_parts_are_refused() -> None:
    parts = {f"xl/media/image{number}.png": b"" for number in range(guard.MOST_ENTRIES)}
    assert refusal_of(remade(book(building(1)), {}, add=parts)) == "workbook-entries"


def test_macros_are_refused() -> None:
    data = book(building(1))
    assert refusal_of(remade(data, {}, add={"xl/vbaProject.bin": b"x"})) == "workbook-macros"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        types = archive.read("[Content_Types].xml")
    enabled = types.replace(b"spreadsheetml.sheet.main", b"sheet.macroEnabled.main")
    assert refusal_of(remade(data, {"[Content_Types].xml": enabled})) == "workbook-macros"


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c></row>',
        '<row r="99999"><c r="CV99999"><v>1</v></c></row>',
        "<row>" + "<c/>" * 600 + "</row>",
        "<row/>" * 100_001,
    ],
)
def test_a_sheet_that_claims_to_be_huge_is_refused(cells: str) -> None:
    assert refusal_of(remade(book(building(1)), {A_SHEET: sheet_of(cells)})) == "workbook-area"


def test_a_sheet_kept_outside_the_watched_parts_is_refused() -> None:
    data = book(building(1))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        links = archive.read("xl/_rels/workbook.xml.rels")
    elsewhere = links.replace(b"worksheets/sheet1.xml", b"media/sheet1.png")
    assert refusal_of(remade(data, {"xl/_rels/workbook.xml.rels": elsewhere})) == "workbook-damaged"


def test_entities_of_its_own_are_refused() -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    assert refusal_of(remade(book(building(1)), {"xl/sharedStrings.xml": laughs})) == "workbook-damaged"


def test_a_workbook_without_any_known_content_is_refused() -> None:
    assert refusal_of(book({"help": [["nothing"]]})) == "workbook-empty"
    assert [error.sheet for error in workbook.read(book({"Sheet1": [["a"]]})).errors] == ["Sheet1"]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_damaged_workbook_is_imported_whole_or_not_at_all(seed: int) -> None:
    """Seeded damage to bytes, cells and rows: a refusal or errors with places, and never a half-imported building."""
    chance = random.Random(seed)
    data = _damaged_bytes(chance) if seed % 3 == 0 else book(_damaged_cells(chance))
    outcome = _import(data)
    if isinstance(outcome, workbook.Counts):
        assert Meter.objects.count() == outcome.created.get("meters", 0)
        return
    assert (Meter.objects.count(), UnitGroup.objects.count()) == (0, 0)
    if isinstance(outcome, workbook.ImportRefused):
        assert outcome.errors
        assert all(error.row >= 0 and error.sheet and error.message for error in outcome.errors)
    else:
        assert outcome.code.startswith("workbook-")


def _import(data: bytes) -> workbook.Counts | Refusal:
    """What became of it. Anything but counts or a refusal is a failure of ours and ends the test."""
    try:
        return workbook.apply(workbook.read(data), by=None, at=make.AT)
    except Refusal as refusal:
        return refusal


def _damaged_bytes(chance: random.Random) -> bytes:
    data = bytearray(book(building(6)))
    for _time in range(chance.randint(1, 30)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)


NONSENSE = (
    "", "?", "-1", "0", "1e300", "99999999999999999999", "١٢", "=1+1", "'; DROP TABLE estate_meter; --", "A区", "表001",
    "U001", "\u202e", "💡" * 90, "x" * 3000, 2**40, -7, 0.1, 3.0, True, "NaN", "inf", "a\nb", "<b>", "%(name)s", "%s",
)  # fmt: skip


def _damaged_cells(chance: random.Random) -> Sheets:
    sheets = building(6)
    for _time in range(chance.randint(1, 6)):
        rows = sheets[chance.choice(sorted(sheets))]
        act = chance.random()
        if act < 0.6:
            row = chance.choice(rows)
            row[chance.randrange(len(row))] = chance.choice(NONSENSE)
        elif act < 0.75:
            rows.append(list(chance.choice(rows)))
        elif act < 0.9 and len(rows) > 1:
            rows.pop(chance.randrange(len(rows)))
        else:
            sheets.pop(chance.choice(sorted(sheets)), None)
        if not sheets:
            return building(1)
    return sheets
