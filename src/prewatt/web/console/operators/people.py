"""Operators: list, new, edit, out and in again, new password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from prewatt.core.errors import Refusal
from prewatt.office.estate import selectors as estate_selectors
from prewatt.office.estate import services as estate_services
from prewatt.office.estate.models import UnitGroup
from prewatt.office.operators import selectors, services
from prewatt.office.operators.models import Operator
from prewatt.office.operators.rights import RIGHTS
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.listing import once
from prewatt.web.console.listing.forms import words
from prewatt.web.console.listing.kit import Choice, Column, Kind, Listing, Phone
from prewatt.web.console.operators.forms import OperatorForm


@right("operators.view")
def listed(request: ConsoleRequest) -> HttpResponse:
    """All operators."""
    listing = Listing(
        request,
        selectors.operators(request.user).prefetch_related("scopes__group"),
        title=_("Operators"),
        columns=_columns(),
        filters=[
            Choice("role", _("Role"), [(r.pk, r.title) for r in selectors.roles(request.user)], "roles"),
            Choice("active", _("State"), [("1", _("active")), ("0", _("inactive"))], "is_active"),
        ],
        search=["username", "name", "phone"],
        search_hint=_("User name, name or phone"),
        sort="username",
        href=lambda row: reverse("operators:edit", args=[row.pk]),
        row_class=lambda row: "" if row.is_active else "l-faint",
        export_name="operators",
        export_right="operators.view",
    )
    return listing.response("console/operators/list.html")


def _columns() -> list[Column]:
    return [
        Column("name", _("Name"), "name", sort=("name",), cell=_name, phone=Phone.TITLE),
        Column("username", _("User name"), "username", kind=Kind.CODE, sort=("username",)),
        Column(
            "roles", _("Roles"), lambda row: ", ".join(role.title for role in row.roles.all()), cell=_roles, width=30
        ),
        Column("scope", _("Buildings"), _scope, width=30),
        Column("phone", _("Phone"), "phone", kind=Kind.CODE),
        Column("seen", _("Last sign-in"), "last_sign_in_at", kind=Kind.TIME, sort=("last_sign_in_at",), width=20),
        Column("active", _("State"), lambda row: _("active") if row.is_active else _("inactive"), cell=_state),
    ]


def _name(row: Operator) -> str:
    return row.name


def _roles(row: Operator) -> SafeString:
    badges = [format_html('<span class="l-tag">{}</span>', role.title) for role in row.roles.all()]
    return SafeString("".join(badges))


def _scope(row: Operator) -> str:
    groups = sorted(scope.group.name for scope in row.scopes.all())
    return ", ".join(groups) or _("whole site")


def _state(row: Operator) -> SafeString:
    if not row.is_active:
        return format_html('<span class="text-secondary">{}</span>', _("inactive"))
    if row.must_change_password:
        return format_html('<span class="text-orange">{}</span>', _("waits for first sign-in"))
    return format_html('<span class="text-green">{}</span>', _("active"))


def _form(request: ConsoleRequest, *, target: Operator | None, initial: dict[str, Any] | None = None) -> OperatorForm:
    return OperatorForm(
        request.POST or None,
        initial=initial,
        rights=request.rights,
        roles=selectors.roles(request.user),
        groups=estate_selectors.groups(request.user).order_by("name"),
        new=target is None,
    )


@right("operators.edit")
def new(request: ConsoleRequest) -> HttpResponse:
    """A new operator, with a generated password that is shown once."""
    if request.method == "POST" and (before := once.went_to(request)):
        messages.info(
            request, _("This operator was made already. The password was shown then; make a new one if it is lost.")
        )
        return HttpResponseRedirect(before)
    form = _form(request, target=None)
    if request.method == "POST" and form.is_valid():
        data, password = form.cleaned_data, services.generated_password()
        try:
            made = estate_services.add_operator(
                username=data["username"], name=data["name"], phone=data["phone"], language=data["language"],
                password=password, roles=list(data["roles"]), groups=list(data.get("groups", ())),
                by=request.user, at=request.clock.now(),
            )  # fmt: skip
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            once.remember(request, reverse("operators:edit", args=[made.pk]))
            return _show_password(request, made, password, fresh=True)
    context = {"form": form, "cancel_href": reverse("operators:list"), "submit": _("Make operator")}
    return render(request, "console/operators/new.html", context, status=422 if form.errors else 200)


def _set_scope(request: ConsoleRequest, operator: Operator, wanted: list[UnitGroup], before: list[int]) -> None:
    if {group.pk for group in wanted} != set(before):
        estate_services.set_scope(operator=operator, groups=wanted, by=request.user, at=request.clock.now())


def _show_password(request: ConsoleRequest, operator: Operator, password: str, *, fresh: bool) -> HttpResponse:
    response = render(
        request, "console/operators/password.html", {"operator": operator, "password": password, "fresh": fresh}
    )
    response["Cache-Control"] = "no-store"
    return response


@right("operators.view")
def edit(request: ConsoleRequest, pk: int) -> HttpResponse:
    """An operator's account; to be changed by whoever may and outranks him."""
    operator = get_object_or_404(selectors.operators(request.user), pk=pk)
    held = selectors.rights_in(role.rights for role in operator.roles.all())
    lacking = sorted(str(_(RIGHTS[code].label)) for code in held - frozenset(request.rights))
    editable = "operators.edit" in request.rights and not (lacking and operator.pk != request.user.pk)
    places = [scope.group_id for scope in operator.scopes.all()]
    initial = {
        "name": operator.name, "phone": operator.phone, "roles": list(operator.roles.all()), "groups": places,
    }  # fmt: skip
    form = _form(request, target=operator, initial=initial)
    if request.method == "POST" and "operators.edit" not in request.rights:
        raise PermissionDenied("operators.edit")
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with transaction.atomic():
                services.edit_operator(
                    operator=operator, name=data["name"], phone=data["phone"], roles=list(data["roles"]),
                    by=request.user, at=request.clock.now(),
                )  # fmt: skip
                _set_scope(request, operator, list(data.get("groups", ())), places)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(request.path)
    if not editable:
        for field in form.fields.values():
            field.disabled = True
    context = {
        "form": form, "operator": operator, "lacking": lacking, "editable": editable,
        "cancel_href": reverse("operators:list"), "self": operator.pk == request.user.pk,
    }  # fmt: skip
    return render(request, "console/operators/edit.html", context, status=422 if form.errors else 200)


@right("operators.edit")
@require_POST
def active(request: ConsoleRequest, pk: int) -> HttpResponseBase:
    """Let an operator out, or in again. Said twice it changes nothing."""
    operator = get_object_or_404(selectors.operators(request.user), pk=pk)
    wanted = request.POST.get("active") == "1"
    try:
        if operator.is_active != wanted:
            services.set_active(operator=operator, active=wanted, by=request.user, at=request.clock.now())
    except Refusal as refusal:
        messages.error(request, words(refusal))
    else:
        said = _("%(name)s may sign in again.") if wanted else _("%(name)s can no longer sign in.")
        messages.success(request, said % {"name": operator.name})
    return HttpResponseRedirect(reverse("operators:edit", args=[pk]))


@right("operators.edit")
@require_POST
def password(request: ConsoleRequest, pk: int) -> HttpResponseBase:
    """A new generated password for an operator, shown once."""
    operator = get_object_or_404(selectors.operators(request.user), pk=pk)
    if before := once.went_to(request):
        messages.info(request, _("A new password was made already and shown then; make another if it is lost."))
        return HttpResponseRedirect(before)
    try:
        fresh = services.reset_password(operator=operator, by=request.user, at=request.clock.now())
    except Refusal as refusal:
        messages.error(request, words(refusal))
        return HttpResponseRedirect(reverse("operators:edit", args=[pk]))
    once.remember(request, reverse("operators:edit", args=[pk]))
    return _show_password(request, operator, fresh, fresh=False)
