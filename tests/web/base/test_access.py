"""Nobody opens a page by accident: every view names its right, and a page opens for its right alone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import translation

from prewatt.office.operators.rights import RIGHTS
from prewatt.web.console.base.access import OWN, PUBLIC
from prewatt.web.console.base.middleware import ConsoleMiddleware
from tests.office import factories
from tests.web.base.people import browser, browser_of

pytestmark = pytest.mark.django_db


def patterns(entries: list[URLPattern | URLResolver]) -> list[URLPattern]:
    found: list[URLPattern] = []
    for entry in entries:
        found.extend(patterns(entry.url_patterns) if isinstance(entry, URLResolver) else [entry])
    return found


def test_every_view_of_the_console_names_its_right() -> None:
    views = [one for one in patterns(get_resolver().url_patterns) if one.callback.__module__.startswith("prewatt.web")]
    assert views
    unnamed = [str(one.pattern) for one in views if not hasattr(one.callback, "right")]
    assert unnamed == []
    unknown = {one.callback.right for one in views} - {OWN, PUBLIC, *RIGHTS}
    assert unknown == set()


def test_a_view_without_a_right_is_refused() -> None:
    def careless(request: object) -> HttpResponse:
        return HttpResponse("open")

    careless.__module__ = "prewatt.web.console.careless"
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        ConsoleMiddleware(lambda _request: HttpResponse()).process_view(request, careless, (), {})


def test_a_stranger_is_sent_to_sign_in_and_back() -> None:
    answer = browser().get("/units/A-301/?tab=log")
    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in/?next=%2Funits%2FA-301%2F%3Ftab%3Dlog"


def test_a_fragment_for_a_stranger_reloads_the_whole_page() -> None:
    answer = browser().get("/wall/changes/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer["HX-Refresh"] == "true"


def test_without_the_right_a_page_says_which_one_it_asks_for() -> None:
    answer = browser_of("cashier").get("/system/frames/")
    assert answer.status_code == 403
    assert "您无权打开此页" in answer.content.decode()
    with translation.override("zh-hans"):
        assert translation.gettext(RIGHTS["lines.log"].label) in answer.content.decode()


def test_a_given_password_must_be_changed_before_anything_else() -> None:
    operator = factories.make_operator()
    type(operator).objects.filter(pk=operator.pk).update(must_change_password=True)
    client = browser(operator)
    answer = client.get("/wall/")
    assert answer.status_code == 302
    assert answer["Location"] == "/password/"
    assert client.get("/password/").status_code == 200
    hurried = client.get("/wall/changes/", headers={"HX-Request": "true"})
    assert hurried["HX-Redirect"] == "/password/"


def test_pages_with_data_are_not_kept_by_the_browser() -> None:
    factories.make_site()
    assert browser_of().get("/wall/")["Cache-Control"] == "no-store"


def test_an_unknown_address_says_what_to_do_next() -> None:
    answer = browser_of().get("/nowhere/")
    assert answer.status_code == 404
    assert "没有这个页面" in answer.content.decode()


def test_a_form_without_its_token_is_explained() -> None:
    from django.test import Client

    answer = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "x", "password": "y"})
    assert answer.status_code == 403
    assert "表单已失效" in answer.content.decode()


def test_going_back_in_the_browser_brings_a_whole_page() -> None:
    factories.make_site()
    answer = browser_of().get("/units/?q=x", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in answer.content.decode()
