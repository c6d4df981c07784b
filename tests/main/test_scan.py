"""The verb ``scan``: what it asks for, what it prints, and what it says when nobody carries it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from prewatt.core.clock import SteppedClock
from prewatt.core.errors import Refusal
from prewatt.field.headend.store import Found
from prewatt.main import scan
from prewatt.main.home import Home
from prewatt.office.controls import line_services, services
from prewatt.office.controls.models import ControlOrder
from prewatt.office.estate.models import Line
from tests.office import factories

pytestmark = pytest.mark.django_db
AT = factories.AT


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    home = Home(tmp_path)
    home.create("site")
    monkeypatch.setenv("PREWATT_HOME", str(tmp_path))
    monkeypatch.setattr(Home, "clock", lambda _home: SteppedClock(AT))
    monkeypatch.setattr(scan.bootstrap, "use", lambda _home: None)
    factories.make_meter(line=factories.make_line(name="一号线"), name="表1号", serial="260000000001")
    factories.make_meter(line=Line.objects.get(), name="表2号")
    return home


@pytest.fixture
def carried(monkeypatch) -> None:
    """Somebody carries the scan in the first pause of whoever waits for it."""

    def carry(_seconds: float) -> None:
        order = ControlOrder.objects.get()
        services.claim(leases=[(order.gateway_id, 1)], limit=1, at=AT + timedelta(seconds=1))
        found = [Found(9600, "N", 1, factories.SINGLE_PHASE, "", 7, "260000000001"), Found(9600, "N", 5, "", "a, b")]
        line_services.progress(order_id=order.pk, token=1, asked=5, found=found)
        services.done(order_id=order.pk, token=1, outcome="done", reason="", at=AT)

    monkeypatch.setattr(scan.time, "sleep", carry)


def test_it_prints_who_answers(home, carried, capsys) -> None:
    assert scan.main(["一号线", "--to", "5"]) == 0
    printed = capsys.readouterr()
    assert "表1号" in printed.out
    assert "a or b" in printed.out
    assert "does not answer: 表2号" in printed.out
    assert "finished: 5 of 5 asked, 2 answered" in printed.out
    assert "0 of 5" in printed.err


def test_it_prints_json_and_writes_rows(home, carried, capsys, tmp_path) -> None:
    file = tmp_path / "rows.xlsx"
    assert scan.main(["一号线", "--to", "5", "--json", "--rows", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["line"], told["asked"], told["total"]) == (True, "一号线", 5, 5)
    assert [(row["address"], row["match"]) for row in told["devices"]] == [(1, "known"), (2, "silent"), (5, "new")]
    assert file.read_bytes().startswith(b"PK")
    with pytest.raises(Refusal, match="exists already"):
        scan.main(["一号线", "--rows", str(file)])


def test_a_line_that_does_not_exist_is_told_with_those_that_do(home) -> None:
    with pytest.raises(Refusal, match="Lines: 一号线"):
        scan.main(["二号线"])


def test_nobody_carries_it(home, monkeypatch) -> None:
    monkeypatch.setattr(scan, "CARRIED_WITHIN_S", -1.0)
    with pytest.raises(Refusal, match="head-end of this system does not run"):
        scan.main(["一号线"])
    assert ControlOrder.objects.get().reason == "cancelled"


def test_interrupted_it_stops_the_scan(home, monkeypatch) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scan.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        scan.main(["一号线"])
    assert ControlOrder.objects.get().reason == "cancelled"


@pytest.mark.parametrize("text", ["", "9600", "N9600", "9600X", ","])
def test_speeds_are_checked_before_anything_is_asked(text: str, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        scan.parse(["一号线", "--settings", text])
    assert ended.value.code == 2
    assert scan.parse(["x", "--settings", "9600n, 4800E"]).settings == [(9600, "N"), (4800, "E")]
