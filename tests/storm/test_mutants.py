"""Ten ways to spoil the design, each killed by a few schedules written by hand; the real code passes them all."""

from __future__ import annotations

import pytest

from tests.storm.arena import Arena
from tests.storm.directed import DIRECTED, FOUND
from tests.storm.mutants import MUTANTS, mutant
from tests.storm.run import run

MOST_SCHEDULES = 20
# these lose or double money; the others break an invariant or quarantine without a cause
COSTLY = {
    "time-out, count + 1", "time-out, refund", "n not stored first", "no key on a form", "stale frame accepted",
    "trusting the ack", "no serial check",
}  # fmt: skip


def test_each_mutant_has_its_schedules() -> None:
    assert DIRECTED.keys() == MUTANTS.keys()
    assert len(MUTANTS) == 10
    assert all(0 < len(schedules) <= MOST_SCHEDULES for schedules in DIRECTED.values())


@pytest.mark.parametrize("name", DIRECTED)
def test_the_real_code_passes(arena: Arena, name: str) -> None:
    for schedule in DIRECTED[name]:
        assert run(arena, schedule).verdict.findings == []


@pytest.mark.parametrize("name", MUTANTS)
def test_the_mutant_is_killed(arena: Arena, name: str) -> None:
    with mutant(name, arena):
        verdicts = [run(arena, schedule).verdict for schedule in DIRECTED[name]]
    assert any(verdict.findings for verdict in verdicts)
    assert (max(verdict.fen for verdict in verdicts) > 0) == (name in COSTLY)


@pytest.mark.parametrize("name", FOUND)
def test_what_the_storm_once_found_does_not_come_back(arena: Arena, name: str) -> None:
    for schedule in FOUND[name]:
        assert run(arena, schedule).verdict.findings == []
