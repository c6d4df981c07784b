"""Signing in with a growing delay, out, one's own password and language."""

from __future__ import annotations

import pytest
from django.test import Client

from prewatt.office.operators.models import OperationLog, Operator
from tests.office import factories
from tests.office.factories import PASSWORD
from tests.web.base.people import browser

pytestmark = pytest.mark.django_db


def try_in(client: Client, operator: Operator, password: str, **more: str) -> object:
    return client.post("/sign-in/", {"username": operator.username, "password": password, **more})


def test_the_right_password_opens_the_first_door() -> None:
    operator = factories.make_operator("cashier")
    client = Client()
    answer = try_in(client, operator, PASSWORD)
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert client.session["_auth_user_id"] == str(operator.pk)
    assert OperationLog.objects.filter(action="operators.sign-in", operator=operator).count() == 1


def test_one_comes_back_to_the_page_one_wanted() -> None:
    answer = try_in(Client(), factories.make_operator(), PASSWORD, next="/units/A-301/")
    assert answer["Location"] == "/units/A-301/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_led_away_after_signing_in(elsewhere: str) -> None:
    assert try_in(Client(), factories.make_operator(), PASSWORD, next=elsewhere)["Location"] == "/"


def test_a_wrong_password_and_an_unknown_name_give_the_same_answer() -> None:
    operator = factories.make_operator()
    wrong = try_in(Client(), operator, "not-this-one")
    unknown = Client().post("/sign-in/", {"username": "nobody", "password": "not-this-one"})
    assert wrong.status_code == unknown.status_code == 422
    assert wrong.context["problem"] == unknown.context["problem"] != ""


def test_after_some_wrong_passwords_one_must_wait_and_is_told_how_long() -> None:
    operator = factories.make_operator()
    client = Client()
    for _try in range(3):
        try_in(client, operator, "not-this-one")
    answer = try_in(client, operator, PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 5
    assert f'data-wait="{answer["Retry-After"]}"' in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_the_password_never_comes_back_in_the_page() -> None:
    answer = try_in(Client(), factories.make_operator(), "my-secret-typo")
    assert "my-secret-typo" not in answer.content.decode()


def test_the_session_key_changes_at_sign_in() -> None:
    client = Client()
    client.get("/sign-in/")
    session = client.session
    session["left"] = "behind"
    session.save()
    before = session.session_key
    try_in(client, factories.make_operator(), PASSWORD)
    assert client.session.session_key != before


def test_signing_out_ends_the_session_and_needs_a_post() -> None:
    operator = factories.make_operator()
    client = browser(operator)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/wall/").status_code == 302
    assert OperationLog.objects.filter(action="operators.sign-out", operator=operator).exists()


def test_an_inactive_operator_is_out_at_once() -> None:
    operator = factories.make_operator()
    client = browser(operator)
    Operator.objects.filter(pk=operator.pk).update(is_active=False)
    assert client.get("/wall/").status_code == 302


def test_ones_own_password_is_changed_and_other_sessions_end() -> None:
    factories.make_site()
    operator = factories.make_operator()
    here, elsewhere = browser(operator), browser(operator)
    new = "another-horse-and-battery"
    answer = here.post("/password/", {"old": PASSWORD, "new": new, "again": new})
    assert answer.status_code == 302
    operator.refresh_from_db()
    assert operator.check_password(new)
    assert here.get("/wall/").status_code == 200
    assert elsewhere.get("/wall/").status_code == 302


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"old": "wrong", "new": "another-horse-and-battery", "again": "another-horse-and-battery"}, "old"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "new"),
        ({"old": PASSWORD, "new": "another-horse-and-battery", "again": "a-third-horse-and-battery"}, "again"),
    ],
)
def test_a_password_that_cannot_be_taken_is_explained_beside_its_field(form: dict[str, str], field: str) -> None:
    operator = factories.make_operator()
    answer = browser(operator).post("/password/", form)
    assert answer.status_code == 422
    assert field in answer.context["problems"]
    operator.refresh_from_db()
    assert operator.check_password(PASSWORD)


def test_the_console_speaks_chinese_until_somebody_chooses_english() -> None:
    factories.make_site()
    client = Client(headers={"accept-language": "en"})
    assert 'lang="zh-CN"' in client.get("/sign-in/").content.decode()
    client.post("/language/", {"language": "en", "next": "/sign-in/"})
    assert "User name" in client.get("/sign-in/").content.decode()


def test_an_operators_language_is_remembered_for_him() -> None:
    factories.make_site()
    operator = factories.make_operator()
    client = browser(operator)
    assert "全楼总览" in client.get("/wall/").content.decode()
    assert client.post("/language/", {"language": "en", "next": "/wall/"})["Location"] == "/wall/"
    operator.refresh_from_db()
    assert operator.language == "en"
    assert "Building wall" in client.get("/wall/").content.decode()
    assert "Building wall" in browser(operator).get("/wall/").content.decode()


def test_an_unknown_language_changes_nothing() -> None:
    operator = factories.make_operator()
    browser(operator).post("/language/", {"language": "xx"})
    operator.refresh_from_db()
    assert operator.language == "zh-hans"
