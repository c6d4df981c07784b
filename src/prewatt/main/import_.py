"""``prewatt import``: a whole building from one Excel workbook, all of it or nothing."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prewatt.core.errors import Refusal
from prewatt.main import bootstrap
from prewatt.main.home import SITE, Home
from prewatt.main.poke import poke

if TYPE_CHECKING:
    from prewatt.office.customers.workbook import RowError

READ_AT_MOST = 11 * 1024 * 1024  # more than the largest workbook allowed: the office refuses it by its size
SHOWN = 50  # errors a person reads before correcting the file


def main(argv: list[str]) -> int:
    """Import a workbook, only look at it, or write an empty one."""
    parser = argparse.ArgumentParser(
        prog="./run import", description="Import groups, gateways, lines, meters, units and customers from Excel."
    )
    parser.add_argument("file", type=Path, metavar="FILE.xlsx")
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen and what is wrong")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--template", action="store_true", help="write an empty workbook to FILE.xlsx instead")
    options = parser.parse_args(argv)
    if options.template:
        return write_template(options.file)
    home = Home.find()
    data = _bytes_of(options.file)
    if not home.exists():
        home.create(SITE)
    bootstrap.use(home)
    bootstrap.migrate()
    from django.utils import translation

    with translation.override(language()):
        found = run(home, data, dry_run=options.dry_run)
        print(json.dumps(found, ensure_ascii=False) if options.json else in_words(found, dry_run=options.dry_run))
    return 0 if found["ok"] else 1


def write_template(file: Path) -> int:
    """Write an empty workbook; an existing file is left alone."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prewatt.main.settings")
    import django

    django.setup()
    from prewatt.office.customers import workbook

    try:
        with file.open("xb") as target:
            target.write(workbook.template())
    except FileExistsError as error:
        raise Refusal("file-exists", "%(file)s exists already. Choose another name.", file=file) from error
    except OSError as error:
        raise Refusal("file-not-writable", "Cannot write %(file)s: %(why)s", file=file, why=error.strerror) from error
    print(file)
    return 0


def run(home: Home, data: bytes, *, dry_run: bool) -> dict[str, Any]:
    """Import the bytes of a workbook into a home; the result as the JSON of the contract.

    ``sheet`` and ``column`` of an error are canonical English names, or what the file says when nobody knows it;
    ``row`` counts as Excel does, 0 for a sheet or the file as a whole.
    """
    from prewatt.office.customers import workbook

    try:
        book = workbook.read(data)
    except Refusal as refusal:
        return _result({}, [{"sheet": "", "row": 0, "column": "", "message": _translated(refusal)}])
    rows = workbook.row_counts(book)
    if dry_run:
        return _result(rows, [_error(error) for error in workbook.check(book)])
    try:
        counts = workbook.apply(book, by=None, at=home.clock().now())
    except workbook.ImportRefused as refused:
        return _result(rows, [_error(error) for error in refused.errors])
    except Refusal as refusal:
        return _result(rows, [{"sheet": "", "row": 0, "column": "", "message": _translated(refusal)}])
    poke(home)
    return _result(rows, []) | {"created": counts.created, "updated": counts.updated}


def in_words(found: dict[str, Any], *, dry_run: bool) -> str:
    """The result for a person at a terminal."""
    if found["ok"]:
        rows = ", ".join(f"{name} {count}" for name, count in found["rows"].items())
        return f"{'nothing is wrong' if dry_run else 'imported'}: {rows or 'no rows'}"
    lines = [_line(error) for error in found["errors"][:SHOWN]]
    more = len(found["errors"]) - len(lines)
    lines += [f"... and {more} more (--json lists all)"] if more > 0 else []
    count = len(found["errors"])
    return "\n".join([*lines, f"{count} error{'s' if count > 1 else ''}; nothing was written"])


def language() -> str:
    """Chinese or English, as the terminal's locale says."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "zh"
    return "zh-hans" if spoken.lower().startswith("zh") else "en"


def _bytes_of(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(READ_AT_MOST)
    except OSError as error:
        raise Refusal("file-not-readable", "Cannot read %(file)s: %(why)s", file=file, why=error.strerror) from error


def _line(error: dict[str, Any]) -> str:
    place = [error["sheet"], f"row {error['row']}" if error["row"] else "", error["column"]]
    return ": ".join(filter(None, [", ".join(filter(None, place)), error["message"]]))


def _result(rows: dict[str, int], errors: list[dict[str, Any]]) -> dict[str, Any]:
    return {"ok": not errors, "rows": rows, "errors": errors}


def _error(error: RowError) -> dict[str, Any]:
    return {"sheet": error.sheet, "row": error.row, "column": error.column, "message": error.message}


def _translated(refusal: Refusal) -> str:
    from django.utils.translation import gettext

    return gettext(refusal.message) % refusal.params if refusal.params else gettext(refusal.message)
