"""Scan a line: which addresses answer, at which speed, what they are; watched while it runs, then rows to import."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from prewatt.core.errors import Refusal
from prewatt.office.controls import scanned
from prewatt.office.controls import selectors as controls
from prewatt.office.controls.line_services import BAUDS, OPEN, cancel_scan, request_scan
from prewatt.office.controls.models import ControlOrder, ControlState
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import GatewayKind
from prewatt.web.console.base.access import ConsoleRequest, is_fragment, right
from prewatt.web.console.base.wake import wake
from prewatt.web.console.estate import badges
from prewatt.web.console.listing.forms import KitForm
from prewatt.web.console.listing.kit import Column, Empty, Kind, Listing, Phone
from prewatt.web.console.network import words

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARITIES = ("N", "E")
USUAL_BAUDS = BAUDS[:6]


class ScanForm(KitForm):
    """Which line, which addresses, and, for a serial port, which other speeds."""

    line = forms.ChoiceField(label=gettext_lazy("Line"))
    first = forms.IntegerField(label=gettext_lazy("From address"), min_value=1, max_value=247, initial=1)
    last = forms.IntegerField(label=gettext_lazy("To address"), min_value=1, max_value=247, initial=32)
    settings = forms.MultipleChoiceField(
        label=gettext_lazy("Speeds and parities to try"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Only for a serial port. None chosen: the line's own. Meters of the line rest meanwhile."
        ),
    )
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=36)
    wide = frozenset({"settings"})

    def __init__(self, request: ConsoleRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines = estate.lines(request.user).select_related("gateway").order_by("gateway__name", "channel")
        self.lines = {str(line.pk): line for line in lines}
        self.fields["line"].choices = [  # type: ignore[attr-defined]
            (key, f"{line.name} · {line.baud} 8{line.parity}1 · {line.gateway.name}")
            for key, line in self.lines.items()
        ]
        if any(line.gateway.kind == GatewayKind.SERIAL for line in self.lines.values()):
            pairs = [(f"{baud}{parity}", f"{baud} 8{parity}1") for baud in USUAL_BAUDS for parity in PARITIES]
            self.fields["settings"].choices = pairs  # type: ignore[attr-defined]
        else:
            del self.fields["settings"]

    @property
    def chosen(self) -> list[tuple[int, str]]:
        """Speeds and parities."""
        return [(int(text[:-1]), text[-1]) for text in self.cleaned_data.get("settings", [])]


@right("network.scan")
@require_http_methods(["GET", "HEAD", "POST"])
def scans(request: ConsoleRequest) -> HttpResponseBase:
    """Begin a scan; and the scans so far."""
    listing = _listing(request)
    if request.method != "POST" and ("export" in request.GET or request.headers.get("HX-Target") == "list-results"):
        return listing.response("console/network/scans.html", {})
    given = {"line": request.GET.get("line", ""), "key": get_random_string(20)}
    form = ScanForm(request, request.POST if request.method == "POST" else None, initial=given)
    if request.method == "POST" and form.is_valid():
        try:
            order = request_scan(
                line=form.lines[form.cleaned_data["line"]], first=form.cleaned_data["first"],
                last=form.cleaned_data["last"], settings=form.chosen,
                key=form.cleaned_data["key"] or get_random_string(20), by=request.user, at=request.clock.now(),
            )  # fmt: skip
            wake()
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            return HttpResponseRedirect(reverse("network:scan", args=[order.pk]))
    context = {"form": form, "submit": _("Begin the scan"), "listing": listing}
    return render(request, "console/network/scans.html", context, status=422 if form.errors else 200)


@right("network.scan")
@require_safe
def scan(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One scan: how far it is, and what answered."""
    order = get_object_or_404(controls.scans(request.user), pk=pk)
    found = scanned.rows(order)
    live = order.state in OPEN and order.deadline > request.clock.now()
    context = {
        "order": order, "rows": found, "live": live, "counts": Counter(row.match.value for row in found),
        "answered": sum(row.match is not scanned.Match.SILENT for row in found), "why": words.reason(order.reason),
        "stopping": live and order.cancelled_at is not None, "settings": _settings(order),
        "asked": order.asked, "total": order.total, "carried": order.state != ControlState.WAITING,
    }  # fmt: skip
    return render(request, f"console/network/{'scan_part' if is_fragment(request) else 'scan'}.html", context)


@right("network.scan")
@require_POST
def stop(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Stop a scan; what it found stays."""
    order = get_object_or_404(controls.scans(request.user), pk=pk)
    cancel_scan(order=order, by=request.user, at=request.clock.now())
    messages.info(request, _("The scan is being stopped. What it found stays."))
    return HttpResponseRedirect(reverse("network:scan", args=[pk]))


@right("network.scan")
@require_safe
def rows(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What answered, as a workbook for the import."""
    order = get_object_or_404(controls.scans(request.user), pk=pk)
    response = HttpResponse(scanned.import_rows(order), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="prewatt-scan-{order.pk}.xlsx"'
    return response


def _settings(order: ControlOrder) -> str:
    parts = [part for part in str(order.body.get("settings", "")).split(",") if part]
    return ", ".join(f"{part[:-1]} 8{part[-1]}1" for part in parts)


def _listing(request: ConsoleRequest) -> Listing:
    clock = request.clock
    return Listing(
        request,
        controls.scans(request.user),
        title=_("Scans"),
        columns=[
            Column("line", _("Line"), "line.name", sort=("line__name",), phone=Phone.TITLE, width=24),
            Column("at", _("Begun"), "at", kind=Kind.TIME, sort=("at",), width=20,
                   cell=lambda row: badges.age(row.at, clock)),
            Column("range", _("Addresses"), lambda row: f"{row.body.get('from')}–{row.body.get('to')}", kind=Kind.CODE),
            Column("settings", _("Speeds"), _settings, width=24),
            Column("state", _("Result"), lambda row: row.get_state_display(), sort=("state",),
                   cell=lambda row: badges.order_state(row.state, row.get_state_display(), words.reason(row.reason))),
            Column("by", _("By"), lambda row: row.by.name if row.by else "prewatt scan"),
        ],
        sort="-at",
        href=lambda row: reverse("network:scan", args=[row.pk]),
        export_name="scans",
        empty=Empty(_("No scan yet"), _("A scan asks every address of a line who is there."), "radar-2"),
    )  # fmt: skip
