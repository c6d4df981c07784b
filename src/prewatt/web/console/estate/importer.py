"""The work behind the import page: reads and writes a workbook, at once when small, beside the page when big."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from threading import Thread
from typing import Any

from django.db import connections
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from prewatt.core.errors import Refusal
from prewatt.office.customers import workbook
from prewatt.office.operators.models import Operator
from prewatt.web.console.estate.uploads import NoUpload, Upload
from prewatt.web.console.listing.forms import words

AT_ONCE = 256 * 1024  # bytes up to which the page waits for the work; a workbook of 2,000 meters is about 120 KB


class State(StrEnum):
    """How far an upload has come."""

    NEW = "new"
    CHECKING = "checking"
    CHECKED = "checked"
    IMPORTING = "importing"
    DONE = "done"
    BROKEN = "broken"  # the work itself failed: nothing was written


DONE = State.DONE
BUSY = frozenset({State.CHECKING, State.IMPORTING})
SHEETS: dict[str, str] = {
    "groups": _("Buildings"),
    "gateways": _("Gateways"),
    "lines": _("Lines"),
    "meters": _("Meters"),
    "units": _("Units"),
    "customers": _("Customers"),
}
_running: set[str] = set()  # tokens whose work goes on in this process


def sheet_title(name: str) -> str:
    """A sheet's title in the reader's language."""
    return gettext(SHEETS[name]) if name in SHEETS else name


def rows_of(note: dict[str, Any]) -> list[dict[str, Any]]:
    """Each sheet that was found: its title, how many rows, errors, and what was made and changed."""
    wrong = wrong_by_sheet(note)
    rows, made, changed = note.get("rows", {}), note.get("created", {}), note.get("updated", {})
    return [
        {
            "title": sheet_title(name), "rows": rows[name], "wrong": wrong.get(name, 0),
            "created": made.get(name, 0), "updated": changed.get(name, 0),
        }
        for name in SHEETS
        if name in rows
    ]  # fmt: skip


def wrong_by_sheet(note: dict[str, Any]) -> dict[str, int]:
    """How many errors each sheet has."""
    wrong: dict[str, int] = {}
    for error in note.get("errors", []):
        wrong[error["sheet"]] = wrong.get(error["sheet"], 0) + 1
    return wrong


def settle(upload: Upload) -> dict[str, Any]:
    """The note; work whose process died is told as broken, so that it can be started again."""
    note = upload.note()
    if note["state"] not in BUSY or _alive(note.get("process", 0), upload.token):
        return note
    again = State.NEW if note["state"] == State.CHECKING else State.BROKEN
    upload.give_back()
    return upload.tell(state=again, message="")


def _alive(process: int, token: str) -> bool:
    if process == os.getpid():
        return token in _running
    try:
        os.kill(process, 0)
    except (OSError, OverflowError):
        return False
    return bool(process)


def check(upload: Upload, *, language: str) -> dict[str, Any]:
    """Read and judge the workbook; nothing is written to the database."""

    def work() -> dict[str, Any]:
        book = workbook.read(upload.body())
        errors = [_told(error) for error in workbook.check(book)]
        return {"state": State.CHECKED, "rows": workbook.row_counts(book), "errors": errors, "language": language}

    return _start(upload, State.CHECKING, work, language)


def _told(error: workbook.RowError) -> dict[str, Any]:
    """An error as the note keeps it, in the language of whoever checks."""
    chinese = (translation.get_language() or "").startswith("zh")
    return {
        "sheet": error.sheet, "title": sheet_title(error.sheet), "row": error.row,
        "column": error.column_title if chinese else error.column, "message": error.message,
    }  # fmt: skip


def carry_out(upload: Upload, *, by: Operator, at: datetime, language: str) -> dict[str, Any]:
    """Import it, all or nothing."""

    def work() -> dict[str, Any]:
        counts = workbook.apply(workbook.read(upload.body()), by=by, at=at)
        return {"state": State.DONE, "created": counts.created, "updated": counts.updated, "errors": []}

    return _start(upload, State.IMPORTING, work, language)


def _start(upload: Upload, state: State, work: Callable[[], dict[str, Any]], language: str) -> dict[str, Any]:
    _running.add(upload.token)
    note = upload.tell(state=state, process=os.getpid(), message="")
    if note["size"] <= AT_ONCE:
        _run(upload, work, language)
        return upload.note()
    Thread(target=_run_beside, args=(upload, work, language), name=f"import-{upload.token[:6]}").start()
    return note


def _run_beside(upload: Upload, work: Callable[[], dict[str, Any]], language: str) -> None:
    try:
        _run(upload, work, language)
    finally:
        connections.close_all()


def _run(upload: Upload, work: Callable[[], dict[str, Any]], language: str) -> None:
    try:
        with translation.override(language):
            upload.tell(**work())
    except workbook.ImportRefused as refusal:  # what was in order when checked no longer is
        with translation.override(language):
            upload.tell(state=State.CHECKED, errors=[_told(error) for error in refusal.errors])
        upload.give_back()
    except Refusal as refusal:
        with translation.override(language):
            upload.tell(state=State.BROKEN, message=words(refusal))
        upload.give_back()
    except NoUpload:
        with translation.override(language):
            upload.tell(state=State.BROKEN, message=gettext("The file is no longer the one that was checked."))
    except Exception:
        upload.tell(state=State.BROKEN, message="")
        upload.give_back()
        raise
    finally:
        _running.discard(upload.token)
