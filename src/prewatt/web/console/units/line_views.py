"""Raw frames of a line: switch the log on, and watch it with the meaning of each frame."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from prewatt.core.errors import Refusal
from prewatt.office.estate import selectors as estate
from prewatt.office.estate import services
from prewatt.office.readings import selectors as readings
from prewatt.web.console.base.access import ConsoleRequest, is_fragment, right
from prewatt.web.console.base.refusals import said
from prewatt.web.console.units.frames import neighbours, told

SHOWN = 80


@right("lines.log")
@require_safe
def lines(request: ConsoleRequest) -> HttpResponse:
    """All visible lines with their counters, and whether their frames are being kept."""
    states = {state.line_id: state for state in readings.line_states(request.user)}
    rows = [
        {"line": line, "state": states.get(line.pk)}
        for line in estate.lines(request.user).select_related("gateway").order_by("gateway__name", "channel")
    ]
    return render(request, "console/lines/list.html", {"rows": rows})


@right("lines.log")
@require_safe
def frames(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The newest frames of one line, newest first."""
    line = get_object_or_404(estate.lines(request.user), pk=pk)
    newest = list(readings.frames(request.user, pk)[:SHOWN])
    meters = estate.meters(request.user).filter(line=line)
    context: dict[str, Any] = {
        "line": line,
        "frames": list(reversed(told(reversed(newest), neighbours(meters)))),
        "state": readings.line_states(request.user).filter(line=line).first(),
    }
    template = "console/lines/rows.html" if is_fragment(request) else "console/lines/frames.html"
    return render(request, template, context)


@right("lines.log")
@require_POST
def switch(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Keep the frames of a line from now on, or no more. The head-end takes it up with its next roster."""
    line = get_object_or_404(estate.lines(request.user), pk=pk)
    try:
        services.save_line(
            instance=line, by=request.user, at=request.clock.now(), log_frames=request.POST.get("log") == "on"
        )
    except Refusal as refusal:
        messages.error(request, said(refusal))
    else:
        messages.success(
            request,
            _("Frames of %(line)s are kept from now on.") % {"line": line.name}
            if request.POST.get("log") == "on"
            else _("Frames of %(line)s are no longer kept.") % {"line": line.name},
        )
    return HttpResponseRedirect(reverse("lines:frames", args=[pk]))
