"""many-lines: 2,000 gateway lines at 9600 baud from one process; fleet-memory: one head-end with 1,000 full lines.

The other end is a program in C that answers each line when its wire would have, and keeps the books of what the wires
allow at best. The head-end is whole, with a store that throws everything away. Our CPU share is of one core.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

Figure = tuple[str, float, str, str, bool | None, str]

ROOT = Path(__file__).resolve().parent.parent
LINES, METERS = 2_000, 32
FLEET_LINES = 1_000
BAUD = 9600
TURNAROUND_MS = (30, 60)
PROFILE = "acrel-dtsy1352-nk"
SHARE, CORE, MEGABYTES = 99.5, 50, 400
WARM_S = 4.0  # from the first request: thousands of connections are made
SETTLE_S = 5.0
HEARD_WITHIN_S = 60.0


def figures() -> list[Figure]:
    """Share of the wires' speed, our CPU, and memory; each taken in a process of its own."""
    from bench.yardstick import NoCompilerError, build

    turns, seconds = (1, 4.0) if os.environ.get("PREWATT_BENCH_SHORT") else (5, 12.0)
    try:
        program = build("gateways")
    except NoCompilerError as error:
        wanted = {"many-lines": f">= {SHARE}", "many-lines-cpu": f"<= {CORE}", "fleet-memory": f"<= {MEGABYTES}"}
        return [(name, 0.0, "-", target, None, str(error)) for name, target in wanted.items()]
    taken = [turn(program, LINES, seconds) for _ in range(turns)]
    share = statistics.median(one["share"] for one in taken)
    core = statistics.median(one["core"] for one in taken)
    fleet = turn(program, FLEET_LINES, 2.0)
    detail = (
        f"{LINES} lines of {METERS} meters, {taken[0]['answers']:.0f} polls a turn, {turns} turns of {seconds:g} s, "
        f"{sum(one['late'] for one in taken):.0f} answers late by the responder itself"
    )
    return [
        ("many-lines", round(share, 2), "%", f">= {SHARE}", share >= SHARE, detail),
        ("many-lines-cpu", round(core, 1), "%", f"<= {CORE}", core <= CORE, "of one core, the whole head-end"),
        ("fleet-memory", round(fleet["megabytes"]), "MB", f"<= {MEGABYTES}", fleet["megabytes"] <= MEGABYTES,
         f"{FLEET_LINES} lines of {METERS} meters in one head-end, every meter read; most that was ever resident"),
    ]  # fmt: skip


def turn(program: Path, lines: int, seconds: float) -> dict[str, float]:
    """One head-end against one responder."""
    low, high = TURNAROUND_MS
    with subprocess.Popen(
        [program, str(BAUD), str(low), str(high), str(WARM_S)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            port = process.stdout.readline().strip()
            done = subprocess.run(
                [sys.executable, "-m", "bench.many_lines", port, str(lines), str(seconds)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True,
            )  # fmt: skip
            process.stdin.write("\n")
            process.stdin.flush()
            _, answers, took, ideal, late = (float(word) for word in process.stdout.readline().split())
        finally:
            process.kill()
    ours: dict[str, float] = json.loads(done.stdout)
    return ours | {"share": 100 * ideal / took, "answers": answers, "late": late}


async def read(port: int, lines: int, seconds: float) -> dict[str, float]:
    """Poll all lines; our CPU in percent of a core once every line runs, and the most memory."""
    from bench.poll_cpu import _Nowhere
    from prewatt.core.clock import SystemClock
    from prewatt.field.headend.service import HeadEnd
    from prewatt.field.headend.store import GatewayEntry, LineEntry, MeterEntry, RosterData

    gateways = tuple(
        GatewayEntry(number, f"g{number}", "transparent", "127.0.0.1", port, "", (
            LineEntry(number, f"l{number}", 1, BAUD, "N", False, 0.0, tuple(
                MeterEntry(number * 100 + unit, f"m{number}-{unit}", unit, PROFILE, "", 1800)
                for unit in range(1, METERS + 1))),))
        for number in range(1, lines + 1)
    )  # fmt: skip
    clock = SystemClock()
    head = HeadEnd(_Nowhere(RosterData(1, gateways), clock), clock)
    working = asyncio.create_task(head.run())
    loop = asyncio.get_running_loop()
    if lines == FLEET_LINES:  # state, identity and total of every meter
        deadline = loop.time() + HEARD_WITHIN_S
        while head.exchanges() < 3 * lines * METERS and loop.time() < deadline:
            await asyncio.sleep(0.2)
    else:
        await asyncio.sleep(SETTLE_S)
    before, began = os.times(), loop.time()
    await asyncio.sleep(seconds)
    after = os.times()
    core = 100 * (after.user + after.system - before.user - before.system) / (loop.time() - began)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    return {"core": core, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main(port: int, lines: int, seconds: float) -> None:
    """The head-end's process."""
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = lines + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    print(json.dumps(asyncio.run(read(port, lines, seconds))))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
