"""storm: seeded schedules of faults over the real books, verbs and head-end; fen lost or doubled by physical truth."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

Figure = tuple[str, float, str, str, bool | None, str]

ROOT = Path(__file__).resolve().parent.parent
FIRST = 1_000_000  # other seeds than the tests'
SHORT, LONG = 200, 5_000


def run(count: int, workers: int) -> tuple[int, list[str]]:
    """So many schedules in as many processes; how many failed, and what each process said last."""
    command = [sys.executable, "-m", "tests.storm", "--count", str(count), "--every", str(workers), "--keep-going"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            [*command, "--from", str(FIRST + place)],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for place in range(workers)
    ]  # fmt: skip
    said = [process.communicate()[0].strip().splitlines() or ["nothing"] for process in running]
    return sum(process.returncode != 0 for process in running), [lines[-1] for lines in said]


def figures() -> list[Figure]:
    """One figure: fen that are not where the books say, over all schedules."""
    count = SHORT if os.environ.get("PREWATT_BENCH_SHORT") else LONG
    broken, lines = run(count, min(os.cpu_count() or 1, 4))
    fen = 0
    for line in lines:
        words = line.split()
        if "fen" not in words:
            return [("storm", -1, "fen", "0", False, line)]
        fen += int(words[words.index("fen") - 1])
    return [("storm", fen, "fen", "0", fen == 0 and not broken, "; ".join(lines))]
