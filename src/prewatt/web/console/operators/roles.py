"""Roles: which rights each brings, in a grid by door."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from prewatt.core.errors import Refusal
from prewatt.office.operators import selectors, services
from prewatt.office.operators.models import Role
from prewatt.office.operators.rights import DOORS, RIGHTS
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.listing import once
from prewatt.web.console.listing.kit import Choice, Column, Empty, Kind, Listing, Phone
from prewatt.web.console.operators.forms import RoleForm


@dataclass(frozen=True, slots=True)
class Box:
    """One right in the grid."""

    code: str
    label: str
    ticked: bool
    shut: bool


def grid(ticked: Collection[str], held: Collection[str], *, fixed: bool = False) -> Iterator[tuple[str, list[Box]]]:
    """The doors with their rights; shut are those the asker lacks, or all when the role is fixed."""
    for door, title in DOORS.items():
        boxes = [
            Box(code, _(one.label), code in ticked, fixed or code not in held)
            for code, one in RIGHTS.items()
            if one.door == door
        ]
        if boxes:
            yield _(title), boxes


@right("operators.view")
def listed(request: ConsoleRequest) -> HttpResponse:
    """All roles."""
    rows = selectors.roles(request.user).annotate(active=Count("operators", filter=Q(operators__is_active=True)))
    count = len(RIGHTS)
    listing = Listing(
        request,
        rows,
        title=_("Roles"),
        columns=[
            Column("name", _("Role"), "title", sort=("name",), phone=Phone.TITLE, width=26),
            Column(
                "kind", _("Kind"), lambda row: _("built in") if row.builtin else _("of this site"), sort=("builtin",)
            ),
            Column("rights", _("Rights"), lambda row: f"{len(RIGHTS.keys() & set(row.rights))} / {count}"),
            Column("operators", _("Active operators"), "active", kind=Kind.NUMBER, sort=("active",)),
        ],
        filters=[Choice("kind", _("Kind"), [("1", _("built in")), ("0", _("of this site"))], "builtin")],
        search=["name"],
        href=lambda row: reverse("operators:role", args=[row.pk]),
        export_name="roles",
        empty=Empty(_("No roles yet"), icon="shield"),
    )
    return listing.response("console/operators/roles.html")


@right("roles.edit")
def new(request: ConsoleRequest) -> HttpResponseBase:
    """A new role, empty or as a copy of another."""
    text = request.GET.get("from", "")
    model = selectors.roles(request.user).filter(pk=text).first() if text.isdecimal() and len(text) < 10 else None
    start = {"name": _("%(role)s (copy)") % {"role": model.title}, "rights": list(model.rights)} if model else {}
    return _edited(request, None, start)


@right("operators.view")
def edit(request: ConsoleRequest, pk: int) -> HttpResponseBase:
    """A role's rights; to be changed when it is the site's own and brings nothing the asker lacks."""
    role = get_object_or_404(selectors.roles(request.user), pk=pk)
    return _edited(request, role, {"name": role.title, "rights": list(role.rights)})


def _edited(request: ConsoleRequest, role: Role | None, start: dict[str, Any]) -> HttpResponseBase:
    if request.method == "POST" and "roles.edit" not in request.rights:
        raise PermissionDenied("roles.edit")
    if request.method == "POST" and role is None and (before := once.went_to(request)):
        return HttpResponseRedirect(before)
    form = RoleForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            saved = services.save_role(
                instance=role, name=data["name"], rights=data["rights"], by=request.user, at=request.clock.now()
            )
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(once.remember(request, reverse("operators:role", args=[saved.pk])))
    ticked = set(form.data.getlist("rights")) if form.is_bound else set(start.get("rights", ()))  # type: ignore[attr-defined]
    lacking = sorted(
        _(RIGHTS[code].label) for code in RIGHTS.keys() & set(role.rights if role else ()) - frozenset(request.rights)
    )
    fixed = "roles.edit" not in request.rights or bool(role and (role.builtin or lacking))
    context = {
        "form": form, "role": role, "grid": list(grid(ticked, request.rights, fixed=fixed)), "fixed": fixed,
        "lacking": lacking, "guarded": not fixed and RIGHTS.keys() - frozenset(request.rights),
        "people": selectors.operators(request.user).filter(roles=role, is_active=True) if role else (),
    }  # fmt: skip
    return render(request, "console/operators/role.html", context, status=422 if form.errors else 200)
