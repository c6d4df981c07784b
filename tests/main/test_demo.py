"""The demo's time: fast while it was asked to be, and at the world's pace again as soon as it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from prewatt.core.clock import Clock, ScaledClock, SystemClock
from prewatt.main.demo import parse, passing
from prewatt.main.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.create("demo")
    return made


def test_a_speed_is_for_one_run(home: Home) -> None:
    with passing(home, parse(["--speed", "60"]).speed):
        clock = home.clock()
        assert isinstance(clock, ScaledClock)
        assert clock.speed == 60
    with passing(home, parse([]).speed):
        assert home.clock().real(1.0) == 1.0


def test_a_building_that_stands_still_ages_no_faster_than_the_world(home: Home) -> None:
    def interrupted() -> None:
        with passing(home, 600.0):
            seen.append(home.clock())
            raise KeyboardInterrupt

    seen: list[Clock] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert seen[0].real(600.0) == 1.0
    assert home.clock().real(1.0) == 1.0


def test_a_building_that_was_never_hurried_keeps_the_machines_clock(home: Home) -> None:
    with passing(home, 1.0):
        assert isinstance(home.clock(), SystemClock)
    assert isinstance(home.clock(), SystemClock)
