"""A form that is sent twice does its work once: the second sending is led to where the first one went."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.crypto import get_random_string

FIELD = "once"
_KEPT = 40  # forms remembered a session


def fresh(request: HttpRequest) -> str:
    """The token a form carries: the one it came back with, or a new one for a form shown for the first time."""
    given = request.POST.get(FIELD, "")
    return given[:64] if given else get_random_string(20)


def went_to(request: HttpRequest) -> str:
    """Where the first sending of this very form led; empty when this is the first."""
    return str(request.session.get(FIELD, {}).get(request.POST.get(FIELD, ""), ""))


def remember(request: HttpRequest, address: str) -> str:
    """Note that the form was carried out and led to an address; gives the address back."""
    token = request.POST.get(FIELD, "")
    if token:
        done = dict(request.session.get(FIELD, {}))
        done[token[:64]] = address
        request.session[FIELD] = dict(list(done.items())[-_KEPT:])
    return address
