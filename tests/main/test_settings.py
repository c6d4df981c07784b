"""Settings of a home: database addresses, names the console answers to, and headers of every answer."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from prewatt.core.errors import Refusal
from prewatt.main import database, hosts
from prewatt.main.headers import SecurityHeaders


def test_sqlite_is_a_file_with_our_backend() -> None:
    found = database.settings_of("sqlite:////srv/prewatt/db.sqlite3")
    assert (found["ENGINE"], found["NAME"]) == ("prewatt.main.sqlite_backend", "/srv/prewatt/db.sqlite3")


def test_postgresql_takes_every_part_of_its_address() -> None:
    found = database.settings_of("postgresql://mei:p%40ss@db.example:5433/power?sslmode=require")
    parts = [found[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")]
    assert parts == ["power", "mei", "p@ss", "db.example", "5433", {"sslmode": "require"}]
    assert database.settings_of("postgresql:///power?host=/run/pg")["HOST"] == "/run/pg"


@pytest.mark.parametrize("url", ["mysql://u:secret@h/x", "postgresql://u:secret@h/", "nonsense", "sqlite:"])
def test_another_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(Refusal) as refused:
        database.settings_of(url)
    assert "secret" not in str(refused.value)


def test_the_console_answers_to_its_own_names_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREWATT_HOSTS", raising=False)
    assert hosts.allowed("127.0.0.1") == [*hosts.LOOPBACK, "127.0.0.1"]
    assert "*" not in hosts.allowed("0.0.0.0")
    monkeypatch.setenv("PREWATT_HOSTS", "power.example, tower.example")
    assert hosts.allowed("::1")[-3:] == ["[::1]", "power.example", "tower.example"]


def test_every_answer_forbids_what_no_page_needs() -> None:
    answer = SecurityHeaders(lambda request: HttpResponse("x"))(RequestFactory().get("/"))
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
