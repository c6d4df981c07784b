"""The import of an estate from one workbook: upload, check (nothing written), then all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from prewatt.office.customers import workbook
from prewatt.office.estate.selectors import scope_groups
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.estate import importer, uploads
from prewatt.web.console.estate.importer import DONE, SHEETS, State
from prewatt.web.console.listing.cells import Column, Kind
from prewatt.web.console.listing.forms import KitForm
from prewatt.web.console.listing.workbook import XLSX, download

MAX_BYTES = 10 * 1024 * 1024
PARTIAL = gettext_lazy("Only an operator of the whole site may import a workbook.")
SHOWN = 200  # errors on the page; the workbook of errors has all of them


class UploadForm(KitForm):
    """The workbook to check."""

    file = forms.FileField(
        label=gettext_lazy("Excel workbook"),
        widget=forms.FileInput(attrs={"accept": ".xlsx"}),
        help_text=gettext_lazy("An .xlsx file of at most 10 MB. Checking it changes nothing."),
    )

    def clean_file(self) -> UploadedFile[Any]:
        """Refuse at once what cannot be a workbook; the rest is found by reading it."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise ValidationError(_("The file is larger than 10 MB."), code="size")
        if not (file.name or "").lower().endswith(".xlsx"):
            raise ValidationError(_("This is not an .xlsx workbook. Save it as Excel workbook (.xlsx)."), code="kind")
        return file


def folder() -> Path:
    """Where uploads of this home wait."""
    return Path(settings.PREWATT_HOME.path) / "uploads"


@right("estate.import")
def start(request: ConsoleRequest) -> HttpResponseBase:
    """Choose a workbook."""
    partial = scope_groups(request.user) is not None
    posted = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if posted else UploadForm()
    if posted and partial:
        form.add_error(None, PARTIAL)
    if posted and form.is_valid():
        file: UploadedFile[Any] = form.cleaned_data["file"]
        upload = uploads.keep(
            folder(), file.read(), name=Path(file.name or "").name, operator=request.user.pk, at=request.clock.now()
        )
        return HttpResponseRedirect(reverse("estate:import_checked", args=[upload.token]))
    context = {"form": form, "sheets": SHEETS.items(), "partial": partial, "partial_words": PARTIAL}
    return render(request, "console/estate/import.html", context, status=422 if form.errors else 200)


@right("estate.import")
def template(_request: ConsoleRequest) -> HttpResponse:
    """An empty workbook with examples and the allowed values."""
    headers = {"Content-Disposition": 'attachment; filename="prewatt-template.xlsx"'}
    return HttpResponse(workbook.template(), content_type=XLSX, headers=headers)


def _upload(request: ConsoleRequest, token: str) -> uploads.Upload:
    try:
        return uploads.find(folder(), token, operator=request.user.pk)
    except uploads.NoUpload as error:
        raise Http404(_("This upload is no longer kept. Please upload the workbook again.")) from error


@right("estate.import")
def checked(request: ConsoleRequest, token: str) -> HttpResponse:
    """How far a workbook has come: being checked, checked, being imported, imported."""
    upload = _upload(request, token)
    note = importer.settle(upload)
    stale = note["state"] == State.CHECKED and note.get("language") != get_language()
    if note["state"] == State.NEW or stale:
        note = importer.check(upload, language=get_language() or "")
    return _state_page(request, upload, note)


def _state_page(request: ConsoleRequest, upload: uploads.Upload, note: dict[str, Any]) -> HttpResponse:
    sheet = request.GET.get("sheet", "")
    found = note.get("errors", [])
    errors = [error for error in found if not sheet or error["sheet"] == sheet]
    wrong = importer.wrong_by_sheet(note)
    context = {
        "note": note, "token": upload.token, "state": note["state"], "busy": note["state"] in importer.BUSY,
        "rows": importer.rows_of(note), "errors": errors[:SHOWN], "error_count": len(found), "shown": SHOWN,
        "by_sheet": [(name, importer.sheet_title(name), count, name == sheet) for name, count in wrong.items()],
        "hidden": max(0, len(errors) - SHOWN), "sheet": sheet, "imported": note["state"] == DONE,
    }  # fmt: skip
    part = request.headers.get("HX-Target") == "import-state"
    return render(request, f"console/estate/{'import_state' if part else 'checked'}.html", context)


@right("estate.import")
@require_POST
def apply(request: ConsoleRequest, token: str) -> HttpResponseBase:
    """Import the very file that was checked. A second click sees the first one's result."""
    upload = _upload(request, token)
    note = importer.settle(upload)
    if note["state"] == State.CHECKED and not note.get("errors") and upload.claim():
        importer.carry_out(upload, by=request.user, at=request.clock.now(), language=get_language() or "")
    return HttpResponseRedirect(reverse("estate:import_checked", args=[token]))


@right("estate.import")
def errors(request: ConsoleRequest, token: str) -> HttpResponseBase:
    """All errors of a checked workbook as a workbook of their own."""
    note = importer.settle(_upload(request, token))
    columns = [
        Column("sheet", _("Sheet"), lambda row: importer.sheet_title(row["sheet"]), width=18),
        Column("row", _("Row"), lambda row: row["row"], kind=Kind.NUMBER, width=8),
        Column("column", _("Column"), lambda row: row["column"], width=18),
        Column("message", _("What is wrong"), lambda row: row["message"], width=80),
    ]
    response, _count = download("prewatt-import-errors", _("Errors"), columns, note.get("errors", []))
    return response
