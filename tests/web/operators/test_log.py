"""The operation log: every act has words, is found by person, kind and day, and shows what changed."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

import prewatt
from prewatt.office.operators.log import record
from prewatt.office.operators.models import OperationLog
from prewatt.web.console.operators.deeds import ACTIONS, AREAS
from tests.office import factories

SOURCE = Path(prewatt.__file__).parent


def test_every_action_a_service_writes_has_words() -> None:
    text = "\n".join(file.read_text("utf-8") for room in ("office", "web") for file in (SOURCE / room).rglob("*.py"))
    written = set(re.findall(r'record\([^()]*?action="([a-z.-]+)"', text, re.DOTALL))
    assert len(written) > 10
    assert written <= set(ACTIONS)
    assert {code.split(".")[0] for code in ACTIONS} == set(AREAS)


@pytest.fixture
def acts(client):
    other = factories.make_operator("cashier", name="李四")
    now = factories.AT
    record(by=other, at=now - timedelta(days=3), action="vend.sell", subject="A-101", summary="100.00")
    record(
        by=client.operator,
        at=now,
        action="estate.line.edit",
        subject="A区总线",
        data={"id": 1, "before": {"baud": 9600}, "after": {"baud": 19200}},
    )
    return other


def subjects(page) -> list[str]:
    return [row.subject for row in page.context["listing"].page]


def test_it_is_found_by_person_kind_action_and_day(client, acts) -> None:
    assert "A-101" in subjects(client.get("/system/log/", {"by": acts.pk}))
    assert "A区总线" not in subjects(client.get("/system/log/", {"by": acts.pk}))
    assert subjects(client.get("/system/log/", {"area": "vend"})) == ["A-101"]
    assert subjects(client.get("/system/log/", {"action": "estate.line.edit"})) == ["A区总线"]
    assert subjects(client.get("/system/log/", {"at_to": "2026-11-20"})) == ["A-101"]
    assert "A-101" not in subjects(client.get("/system/log/", {"at_from": "2026-11-21"}))
    assert subjects(client.get("/system/log/", {"q": "A-101"})) == ["A-101"]


def test_a_day_is_a_day_of_the_site(client) -> None:
    """0:30 in Shanghai belongs to that day, though it is still yesterday in UTC."""
    record(by=None, at=factories.AT.replace(day=9, hour=16, minute=30), action="vend.sell", subject="night")
    assert "night" in subjects(client.get("/system/log/", {"at_from": "2026-11-10", "at_to": "2026-11-10"}))
    assert "night" not in subjects(client.get("/system/log/", {"at_to": "2026-11-09"}))


def test_the_newest_stands_first(client, acts) -> None:
    ids = [row.pk for row in client.get("/system/log/").context["listing"].page]
    assert ids == sorted(ids, reverse=True)


def test_a_line_shows_what_was_before_and_after(client, acts) -> None:
    row = OperationLog.objects.get(action="estate.line.edit")
    text = client.get(f"/system/log/{row.pk}/").content.decode()
    assert "9600" in text
    assert "19200" in text
    assert "line edited" in text
    assert "baud rate" in text


@pytest.mark.parametrize(
    "data", [{}, {"before": [], "after": ["a"]}, {"before": "x", "after": 3}, {"odd": {"deep": [1, {}]}}]
)
def test_any_shape_of_data_can_be_shown(client, data) -> None:
    row = record(by=None, at=factories.AT, action="unknown.act", subject="s", data=data)
    assert client.get(f"/system/log/{row.pk}/").status_code == 200


def test_without_the_right_there_is_no_log(browser) -> None:
    client = browser("cashier")
    assert client.get("/system/log/").status_code == 403
    row = OperationLog.objects.first()
    assert client.get(f"/system/log/{row.pk}/").status_code == 403


def test_an_export_and_a_built_in_role_are_told_in_the_readers_words(client) -> None:
    by, at = client.operator, factories.AT
    record(by=by, at=at, action="list.export", subject="units", summary="192")
    record(by=by, at=at, action="list.export", subject="purchases-A000013", summary="1")
    record(by=by, at=at, action="estate.export", summary="34550 bytes")
    record(by=None, at=at, action="operators.role.builtin", subject="administrator")
    type(by).objects.filter(pk=by.pk).update(language="zh-hans")
    page = client.get("/system/log/").content.decode()
    for words in ("户号", "192 行", "购电记录 A000013", "33.7 KB", "管理员"):
        assert words in re.sub("\xa0", " ", page), words
    for words in (">units<", ">administrator<", "bytes"):
        assert words not in page
