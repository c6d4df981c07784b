"""List, page, form and retirement of each kind of thing: written once, routed five times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from prewatt.core.errors import Refusal
from prewatt.office.estate import services
from prewatt.office.operators import selectors as operators
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.estate import units
from prewatt.web.console.estate.things import GROUP, METER, UNIT, Thing
from prewatt.web.console.listing import once
from prewatt.web.console.listing.forms import words
from prewatt.web.console.operators.deeds import deed

View = Callable[..., Any]
NEWEST = 8  # lines of the log a page shows


def list_view(thing: Thing) -> View:
    """All things of a kind."""

    @right("estate.view")
    def listed(request: ConsoleRequest) -> HttpResponse:
        return thing.listing(request).response("console/estate/list.html", {"thing": thing})

    return listed


def page_view(thing: Thing) -> View:
    """One thing: facts, what hangs on it, what was done to it."""

    @right("estate.view")
    def page(request: ConsoleRequest, pk: int) -> HttpResponse:
        rows = thing.rows(request.user, retired=True)
        one = get_object_or_404(rows.select_related("state") if hasattr(rows.model, "state") else rows, pk=pk)
        parts = thing.parts(request, one)
        asked = next((part for part in parts if request.headers.get("HX-Target") == f"{part.name}-results"), None)
        if asked is not None:
            return asked.response("console/listing/results.html")
        context = {
            "thing": thing, "one": one, "facts": thing.facts(request, one), "parts": parts,
            "figures": thing.figures(one), "read_key": get_random_string(20) if thing is METER else "",
            "above": _above(one) if thing is GROUP else (),
            "deeds": _deeds(request, thing, one), "live_href": units.live_page(one) if thing is UNIT else "",
            "edit_href": thing.href("edit", pk), "retire_href": thing.href("retire", pk),
        }  # fmt: skip
        return render(request, "console/estate/page.html", context)

    return page


def _above(group: Any) -> list[Any]:
    """The groups a group lies in, outermost first."""
    found: list[Any] = []
    while group.parent is not None and len(found) < 10:
        group = group.parent
        found.insert(0, group)
    return found


def _deeds(request: ConsoleRequest, thing: Thing, one: Any) -> list[Any]:
    """The newest lines of the log about this thing."""
    if "log.view" not in request.rights:
        return []
    kind = "premises" if thing is UNIT else thing.page
    rows = operators.operation_log(request.user).filter(subject=str(one)[:120], action__startswith=f"estate.{kind}.")
    newest = list(rows[:NEWEST])
    for row in newest:
        row.words = deed(row.action)  # type: ignore[attr-defined]
    return newest


def form_view(thing: Thing) -> View:
    """Make a thing, or change it. A refusal stands at its field and nothing typed is lost."""

    @right("estate.edit")
    def edited(request: ConsoleRequest, pk: int | None = None) -> HttpResponseBase:
        one = get_object_or_404(thing.rows(request.user), pk=pk) if pk is not None else None
        if request.method == "POST" and one is None and (before := once.went_to(request)):
            return HttpResponseRedirect(before)
        start = {} if one else {key: value for key, value in request.GET.items() if key in thing.form.base_fields}
        form = thing.form(request.user, one, request.POST or None, start)
        if request.method == "POST" and form.is_valid():
            try:
                saved = thing.keep(instance=one, by=request.user, at=request.clock.now(), **form.values())
            except Refusal as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, _("%(name)s is saved.") % {"name": saved})
                return HttpResponseRedirect(once.remember(request, thing.href(pk=saved.pk)))
        context = {
            "thing": thing, "one": one, "form": form,
            "cancel_href": thing.href(pk=one.pk) if one else thing.list_href,
        }  # fmt: skip
        return render(request, "console/estate/form.html", context, status=422 if form.errors else 200)

    return edited


def retire_view(thing: Thing) -> View:
    """Take a thing out of use: first what it means, then the deed."""

    @right("estate.edit")
    def retired(request: ConsoleRequest, pk: int) -> HttpResponseBase:
        one = get_object_or_404(thing.rows(request.user, retired=True), pk=pk)
        refused = ""
        if request.method == "POST":
            try:
                if one.retired_at is None:
                    services.retire(instance=one, by=request.user, at=request.clock.now())
            except Refusal as refusal:
                refused = words(refusal)
            else:
                messages.success(request, _("%(name)s is retired. Its history stays.") % {"name": one})
                return HttpResponseRedirect(thing.href(pk=pk))
        context = {
            "thing": thing, "one": one, "refused": refused, "facts": thing.facts(request, one),
            "parts": [part for part in thing.parts(request, one) if part.page.paginator.count],
            "cancel_href": thing.href(pk=pk),
        }  # fmt: skip
        return render(request, "console/estate/retire.html", context, status=409 if refused else 200)

    return retired
