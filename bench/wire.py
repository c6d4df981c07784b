"""wire-9600, wire-19200, wire-115200: a serial line of 32 meters against what the wire allows at best.

The other end is a program in C that lets every character take its time and counts requests that break the silence of
3.5 characters. At best means: request, silence, the meter's own turnaround, answer, silence, and nothing in between.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
from contextlib import suppress

import structlog

from bench.poll_cpu import _Nowhere
from bench.yardstick import NoCompilerError, build
from prewatt.core.clock import SystemClock
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import GatewayEntry, LineEntry, MeterEntry, RosterData

Figure = tuple[str, float, str, str, bool | None, str]

METERS = 32
TURNAROUND_MS = 30
TARGETS = {9600: 99, 19200: 99, 115200: 94}
PROFILE = "acrel-dtsy1352-nk"


async def read(device: str, baud: int, seconds: float) -> float:
    """Poll the line; our CPU share in permille."""
    meters = tuple(MeterEntry(unit, "m", unit, PROFILE, "", 1800) for unit in range(1, METERS + 1))
    line = LineEntry(1, "line", 1, baud, "N", False, 0.0, meters)
    roster = RosterData(1, (GatewayEntry(1, "port", "serial", "", 0, device, (line,)),))
    working = asyncio.create_task(HeadEnd(_Nowhere(roster, SystemClock()), SystemClock()).run())
    loop = asyncio.get_running_loop()
    before = os.times()
    began = loop.time()
    await asyncio.sleep(seconds)
    after = os.times()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    return 1000 * (after.user + after.system - before.user - before.system) / (loop.time() - began)


def turn(baud: int, seconds: float) -> tuple[float, int, int, float]:
    """Share of the best in percent, breaches, answers, and CPU permille."""
    arguments = [build("wire"), str(baud), str(TURNAROUND_MS), str(seconds + 1)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        device = process.stdout.readline().strip()
        cpu = asyncio.run(read(device, baud, seconds))
        answers, breaches, took, ideal = process.stdout.readline().split()
    return 100 * float(ideal) / float(took), int(breaches), int(answers), cpu


def figures() -> list[Figure]:
    """One figure a baud rate; each is missed when a single request broke the silence."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    turns, seconds = (3, 2.0) if os.environ.get("PREWATT_BENCH_SHORT") else (5, 8.0)
    found: list[Figure] = []
    for baud, target in TARGETS.items():
        name, wanted = f"wire-{baud}", f">= {target}"
        try:
            taken = [turn(baud, seconds) for _ in range(turns)]
        except NoCompilerError as error:
            found.append((name, 0.0, "%", wanted, None, str(error)))
            continue
        share = statistics.median(one[0] for one in taken)
        breaches = sum(one[1] for one in taken)
        answers = sum(one[2] for one in taken)
        cpu = statistics.median(one[3] for one in taken)
        detail = (
            f"{breaches} breaches of silence in {answers} polls, turnaround {TURNAROUND_MS} ms, CPU {cpu:.0f} permille"
        )
        found.append((name, round(share, 2), "%", wanted, share >= target and not breaches, detail))
    return found


if __name__ == "__main__":
    for figure in figures():
        print(*figure)
