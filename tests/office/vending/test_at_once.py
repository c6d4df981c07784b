"""Many at once on a real database: exactly once, in whatever order the threads come."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.office.vending.crowd import CASHIERS
from tests.own_home import environment_of

pytestmark = pytest.mark.django_db  # so that it runs on both databases
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def play(tmp_path: Path) -> Any:
    """Play a scene in a process of its own; what it printed."""

    def run(scene: str) -> dict[str, Any]:
        with environment_of(tmp_path / "home") as environment:
            done = subprocess.run(
                [sys.executable, "-m", "tests.office.vending.crowd", scene],
                cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["broken"] == []
        return found

    return run


def test_one_form_sent_many_times_at_once_is_one_sale(play: Any) -> None:
    found = play("same_form")
    assert found["told"] == ["A-00000001"] * CASHIERS
    assert (found["orders"], found["receipts"]) == (1, ["A-00000001"])


def test_two_cashiers_who_sell_the_same_at_once_are_asked(play: Any) -> None:
    found = play("same_sale")
    assert Counter(found["told"]) == {"A-00000001": 1, "looks-double": CASHIERS - 1}
    assert found["orders"] == 1


def test_receipts_have_no_gap_however_many_cashiers_share_a_counter(play: Any) -> None:
    found = play("many_sales")
    numbers = sorted(number for one in found["told"] for number in one)
    assert numbers == [f"A-{number:08d}" for number in range(1, 5 * CASHIERS + 1)] == found["receipts"]


def test_an_order_is_armed_once(play: Any) -> None:
    found = play("same_order")
    assert Counter(found["told"]) == {"Permit": 1, "Refused": CASHIERS - 1}
    assert found["attempts"] == 1


def test_one_order_of_a_purse_is_in_flight(play: Any) -> None:
    found = play("same_purse")
    assert Counter(found["told"]) == {"Permit": 1, "Refused": CASHIERS - 1}
    assert found["attempts"] == 1


def test_a_delivery_is_booked_once_however_often_it_is_observed(play: Any) -> None:
    found = play("same_proof")
    assert set(found["told"]) <= {"done", "wait"}
    assert "done" in found["told"]
    assert found["proofs"] == 1
