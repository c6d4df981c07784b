"""Whatever goes wrong, no fen is lost or doubled: seeded schedules, and the same seed gives the same trace.

These are the first of many: CI runs a thousand more by ``python -m tests.storm``, and the bench yet others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.storm.arena import Arena
from tests.storm.run import run_seed

SEEDS, CHUNK = 150, 25
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_fen_is_lost_or_doubled(arena: Arena, first: int) -> None:
    failed = {}
    for seed in range(first, first + CHUNK):
        result = run_seed(arena, seed)
        if not result.good:
            failed[seed] = result.verdict.findings
    assert not failed


def test_the_storm_hurts(arena: Arena) -> None:
    """A storm in which nothing goes wrong proves nothing."""
    results = [run_seed(arena, seed) for seed in range(1000, 1020)]
    totals = {name: sum(result.verdict.counts[name] for result in results) for name in ("fault", "head", "delivered")}
    assert totals["fault"] > 20
    assert totals["head"] > len(results)  # more lives than schedules: some were killed
    assert totals["delivered"] > len(results)


@pytest.mark.parametrize("hash_seed", ["1", "4711"])
def test_one_seed_is_one_trace_in_any_process(arena: Arena, hash_seed: str) -> None:
    mine = [f"{seed} {run_seed(arena, seed).digest}" for seed in range(2000, 2008)]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    theirs = subprocess.run(
        [sys.executable, "-m", "tests.storm", "--from", "2000", "--count", "8", "--digest", "--keep-going"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert theirs.stdout.splitlines() == mine, theirs.stderr
