"""Gives every console request its time, site, language and rights, and closes what nobody opened on purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject

from prewatt.office.estate import selectors as estate
from prewatt.office.operators import selectors as operators
from prewatt.web.console.base.access import OWN, PUBLIC, ConsoleRequest, is_fragment, to_sign_in


class ConsoleMiddleware:
    """Place it after Django's AuthenticationMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, incoming: HttpRequest) -> HttpResponse:
        request = cast("ConsoleRequest", incoming)
        request.clock = settings.PREWATT_CLOCK
        request.site = SimpleLazyObject(estate.site)  # type: ignore[assignment]
        request.rights = cast("frozenset[str]", SimpleLazyObject(lambda: _rights(incoming)))
        with translation.override(language_of(incoming)), timezone.override(_zone()):
            response = self.get_response(incoming)
        response.headers.setdefault("Content-Language", translation.get_language() or settings.LANGUAGE_CODE)
        if incoming.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(response, ["Cookie", "HX-Request"])
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Refuse views that name no right, visitors who are not signed in, and passwords that must be changed first."""
        del args, kwargs
        if not view.__module__.startswith("prewatt.web.console"):
            return None
        named = getattr(view, "right", None)
        if named is None:
            raise PermissionDenied("this page names no right")
        if named == PUBLIC:
            return None
        if not request.user.is_authenticated:
            return to_sign_in(request)
        if named != OWN and getattr(request.user, "must_change_password", False):
            return _to_password(request)
        return None


def language_of(request: HttpRequest) -> str:
    """The operator's own language; before sign-in the one chosen on this device; else the site's."""
    chosen = getattr(request.user, "language", None) or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    known = {code for code, _name in settings.LANGUAGES}
    return chosen if chosen in known else settings.LANGUAGE_CODE


def _rights(request: HttpRequest) -> frozenset[str]:
    if not request.user.is_authenticated:
        return frozenset()
    return operators.rights_of(request.user)


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def _to_password(request: HttpRequest) -> HttpResponse:
    if is_fragment(request):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = reverse("sign:password")
        return response
    return HttpResponseRedirect(reverse("sign:password"))
