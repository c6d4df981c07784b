"""Signing in with a delay that grows, signing out, one's own password and language."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from prewatt.office.operators import services
from prewatt.office.operators.errors import FormRefusal, SignInRefused
from prewatt.web.console.base.access import ConsoleRequest, own, public
from prewatt.web.console.base.refusals import said

BACKEND = "prewatt.office.operators.backend.OperatorBackend"
YEAR_S = 365 * 86400


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: only within this console."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""


@public
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
def sign_in(request: ConsoleRequest) -> HttpResponse:
    """The sign-in page. After a wrong password it says how long to wait; the wait grows and ends by itself."""
    target = _next(request) or reverse("overview:home")
    if request.user.is_authenticated and request.method == "GET":
        return HttpResponseRedirect(target)
    context: dict[str, Any] = {
        "next": _next(request),
        "username": request.POST.get("username", ""),
        "wait": 0,
        "problem": "",
    }
    if request.method == "GET":
        return render(request, "console/sign/in.html", context)
    try:
        operator = services.sign_in(
            username=context["username"],
            password=request.POST.get("password", ""),
            at=request.clock.now(),
            address=request.META.get("REMOTE_ADDR"),
        )
    except SignInRefused as refusal:
        context |= {"problem": said(refusal), "wait": refusal.wait_s}
        response = render(request, "console/sign/in.html", context, status=429 if refusal.wait_s else 422)
        if refusal.wait_s:
            response["Retry-After"] = str(refusal.wait_s)
        return response
    login(request, operator, backend=BACKEND)
    response = HttpResponseRedirect(target)
    _remember(response, operator.language)
    return response


@own
@require_POST
def sign_out(request: ConsoleRequest) -> HttpResponse:
    """Leave. Nothing of the operator stays on the screen."""
    services.sign_out(operator=request.user, at=request.clock.now(), address=request.META.get("REMOTE_ADDR"))
    logout(request)
    return HttpResponseRedirect(reverse("sign:in"))


@own
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("old", "new", "again")
def password(request: ConsoleRequest) -> HttpResponse:
    """One's own new password; a password somebody else gave must be changed before anything else opens."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        new, again = request.POST.get("new", ""), request.POST.get("again", "")
        if new != again:
            problems["again"] = _("The two new passwords are not the same.")
        else:
            problems = _change(request, new)
        if not problems:
            messages.success(
                request, _("Your password is changed. Other places where you were signed in are signed out.")
            )
            return HttpResponseRedirect(reverse("overview:home"))
    context = {"problems": problems, "must": request.user.must_change_password}
    return render(request, "console/sign/password.html", context, status=422 if problems else 200)


def _change(request: ConsoleRequest, new: str) -> dict[str, str]:
    try:
        services.change_password(
            operator=request.user, old=request.POST.get("old", ""), new=new, at=request.clock.now()
        )
    except FormRefusal as refusal:
        return {field: str(problem) for field, problem in refusal.errors.items()}
    update_session_auth_hash(request, request.user)
    return {}


@public
@require_POST
def language(request: ConsoleRequest) -> HttpResponse:
    """Switch between Chinese and English; a signed-in operator's choice is remembered for them."""
    chosen = request.POST.get("language", "")
    response = HttpResponseRedirect(_next(request) or reverse("overview:home"))
    if chosen in {code for code, _name in settings.LANGUAGES}:
        if request.user.is_authenticated:
            services.set_language(operator=request.user, language=chosen)
        translation.activate(chosen)
        _remember(response, chosen)
    return response


def _remember(response: HttpResponse, chosen: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, chosen, max_age=YEAR_S,
        secure=settings.LANGUAGE_COOKIE_SECURE, samesite="Lax", httponly=True,
    )  # fmt: skip
