"""``prewatt ups``: by hand, and from what NUT says."""

from __future__ import annotations

from pathlib import Path

import pytest

from prewatt.main import ups
from prewatt.main.home import Home
from prewatt.office.estate.power import on_battery
from tests.office import factories


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("battery.charge: 100\nups.status: OL\n", False),
        ("ups.status: OL CHRG\n", False),
        ("ups.status: OB DISCHRG\n", True),
        ("ups.status: OB LB\n", True),
        ("ups.status: FSD OL\n", True),
        ("ups.status: WAIT\n", None),
        ("Init SSL without certificate database\n", None),
        ("", None),
    ],
)
def test_upsc_is_understood(printed: str, expected: bool | None) -> None:
    assert ups.battery(printed) is expected


@pytest.mark.django_db
def test_a_ups_is_followed_and_a_lost_cable_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.db.close_old_connections", lambda: None)
    factories.make_site()
    said = iter(["ups.status: OL", "ups.status: OB", OSError("data stale"), "ups.status: OB LB", "ups.status: OL"])
    seen: list[bool] = []

    def ask(name: str) -> str:
        assert name == "ups@localhost"
        seen.append(on_battery())
        answer = next(said)
        if isinstance(answer, OSError):
            raise answer
        return answer

    assert ups.watch(Home(tmp_path), "ups@localhost", ask, rounds=5, pause_s=0) == 0
    assert seen == [False, False, True, True, True]
    assert not on_battery()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3
