"""Looks into an uploaded workbook before anything trusts it: sizes, entries, macros, and sheets that claim to be huge.

A few kilobytes of XLSX can unpack to gigabytes, or hold one cell in the last corner of a sheet and so ask the reader
for 17 billion empty ones. Everything is counted while it streams; nothing is kept.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from xml.parsers import expat

from django.utils.translation import gettext_noop as _

from prewatt.core.errors import Refusal

MOST_BYTES = 10 * 1024 * 1024
MOST_UNPACKED = 100 * 1024 * 1024
MOST_ENTRIES = 200
MOST_ROWS = 100_000
MOST_COLUMNS = 512
MOST_AREA = 3_000_000
CHUNK = 256 * 1024
NOT_EXCEL = _("This is not an Excel workbook (.xlsx).")
DAMAGED = _("The workbook is damaged: %(why)s")
_REFERENCE = re.compile(r"^([A-Z]{1,3})([0-9]{1,7})$")


def inspect(data: bytes) -> None:
    """Raise Refusal unless the bytes are a workbook within all limits and without macros."""
    if len(data) > MOST_BYTES:
        raise Refusal("workbook-size", _("The file is larger than %(most)d MB."), most=MOST_BYTES // 2**20)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _entries(archive)
            unpacked = 0
            for entry in archive.infolist():
                unpacked = _entry(archive, entry, unpacked)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise Refusal("workbook-damaged", NOT_EXCEL) from error


def _entries(archive: zipfile.ZipFile) -> None:
    names = [entry.filename.lower() for entry in archive.infolist()]
    if len(names) > MOST_ENTRIES:
        raise Refusal("workbook-entries", _("The workbook has more than %(most)d parts."), most=MOST_ENTRIES)
    if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED:
        raise _too_large()
    if any("vbaproject" in name or "macrosheets/" in name for name in names):
        raise Refusal("workbook-macros", _("The workbook holds macros. Save it as .xlsx without them."))
    if len(set(names)) < len(names) or any(entry.flag_bits & 1 for entry in archive.infolist()):
        raise Refusal("workbook-damaged", NOT_EXCEL)
    if not {"[content_types].xml", "xl/workbook.xml"} <= set(names):
        raise Refusal("workbook-damaged", NOT_EXCEL)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, unpacked: int) -> int:
    """Stream one part through the counters; the bytes unpacked so far."""
    name = entry.filename.lower()
    watch = _Watch(name) if name.endswith((".xml", ".rels")) else None
    with archive.open(entry) as part:
        while chunk := part.read(CHUNK):
            unpacked += len(chunk)
            if unpacked > MOST_UNPACKED:
                raise _too_large()
            if watch is not None:
                watch.feed(chunk)
    if watch is not None:
        watch.feed(b"", last=True)
    return unpacked


def _too_large() -> Refusal:
    return Refusal(
        "workbook-unpacked", _("The workbook unpacks to more than %(most)d MB."), most=MOST_UNPACKED // 2**20
    )


class _Watch:
    """Counts rows and columns of a sheet's XML as it streams by, and refuses a document type of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.row = self.column = 0
        self.last_row = self.last_column = 0
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._element

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        try:
            self.parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise Refusal("workbook-damaged", DAMAGED, why=self.name) from error

    def _doctype(self, *_parts: object) -> None:
        raise Refusal("workbook-damaged", DAMAGED, why=self.name)

    def _element(self, tag: str, attributes: dict[str, str]) -> None:
        kind = tag.rpartition(":")[2]
        if kind == "row":
            given = attributes.get("r", "")
            self.row = int(given) if given.isascii() and given.isdigit() and len(given) < 8 else self.row + 1
            self.column = 0
            self._grow()
        elif kind == "c":
            reference = _REFERENCE.match(attributes.get("r", ""))
            if reference is None:
                self.column += 1
            else:
                self.column, self.row = _column_number(reference[1]), int(reference[2])
            self._grow()
        elif kind == "Relationship" and self.name.endswith("workbook.xml.rels"):
            self._relationship(attributes)
        elif kind == "Override" and "macroenabled" in attributes.get("ContentType", "").lower():
            raise Refusal("workbook-macros", _("The workbook holds macros. Save it as .xlsx without them."))

    def _relationship(self, attributes: dict[str, str]) -> None:
        """A sheet must be a part that was watched: not another kind of file, and not one outside."""
        if attributes.get("Type", "").endswith(("/worksheet", "/sharedStrings")):
            inside = attributes.get("TargetMode", "Internal") == "Internal"
            if not inside or not attributes.get("Target", "").lower().endswith(".xml"):
                raise Refusal("workbook-damaged", DAMAGED, why=self.name)

    def _grow(self) -> None:
        self.last_row = max(self.last_row, self.row)
        self.last_column = max(self.last_column, self.column)
        area = self.last_row * self.last_column
        if self.last_row > MOST_ROWS or self.last_column > MOST_COLUMNS or area > MOST_AREA:
            raise Refusal(
                "workbook-area",
                _("A sheet reaches to row %(row)d, column %(column)d. Delete its empty rows and columns."),
                row=self.last_row,
                column=self.last_column,
            )


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
