"""Who may open a page. Every view of the console says which right it needs; one that says nothing is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

if TYPE_CHECKING:
    from prewatt.core.clock import Clock
    from prewatt.office.estate.models import Site
    from prewatt.office.operators.models import Operator

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)
View = Callable[Concatenate["ConsoleRequest", P], HttpResponseBase]

PUBLIC = "public"  # open to whoever reaches the server
OWN = "own"  # any signed-in operator, about himself only


class ConsoleRequest(HttpRequest):
    """A request after the console's middleware: it knows the site's time and settings, and what the operator may do."""

    clock: Clock
    site: Site  # type: ignore[assignment]
    rights: frozenset[str]

    if TYPE_CHECKING:
        user: Operator


def right(*codes: str) -> Callable[[Callable[Concatenate[ConsoleRequest, P], HttpResponseBase]], Callable[..., Any]]:
    """Let a page be opened by operators who hold one of these rights; the first names it in the tests of all routes."""

    def mark(view: Callable[Concatenate[ConsoleRequest, P], HttpResponseBase]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            asked = cast("ConsoleRequest", request)
            if not any(code in asked.rights for code in codes):
                raise PermissionDenied(codes[0])
            return view(asked, *args, **kwargs)

        guarded.right = codes[0]  # type: ignore[attr-defined]
        guarded.rights = codes  # type: ignore[attr-defined]
        return guarded

    return mark


def own(view: Callable[Concatenate[ConsoleRequest, P], HttpResponseBase]) -> Callable[..., Any]:
    """Let any signed-in operator open a page that concerns nobody but himself."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return to_sign_in(request)
        return view(cast("ConsoleRequest", request), *args, **kwargs)

    guarded.right = OWN  # type: ignore[attr-defined]
    return guarded


def public(view: Callable[Concatenate[ConsoleRequest, P], HttpResponseBase]) -> Callable[..., Any]:
    """Let anybody open a page."""
    view.right = PUBLIC  # type: ignore[attr-defined]
    return view


def is_fragment(request: HttpRequest) -> bool:
    """Whether a part of a page is asked for, not a page."""
    asked = request.headers
    whole = asked.get("HX-Boosted") == "true" or asked.get("HX-History-Restore-Request") == "true"
    return asked.get("HX-Request") == "true" and not whole


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send somebody to the sign-in page, and afterwards back to where he wanted to go."""
    wanted = request.get_full_path()
    if is_fragment(request):  # the page that polls is what he wants back, not the fragment
        response = HttpResponse(status=204)
        response["HX-Refresh"] = "true"
        return response
    target = reverse("sign:in")
    if request.method == "GET" and wanted != "/":
        target += "?" + urlencode({"next": wanted})
    return HttpResponseRedirect(target)
