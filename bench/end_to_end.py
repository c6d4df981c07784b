"""end-to-end: readings a second from the wire into the database: C responder, real head-end, real store, SQLite.

Site time passes 6 times as fast and each meter is stored every site second: nearly each poll becomes a row.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import structlog

from bench.yardstick import NoCompilerError, build

Figure = tuple[str, object, str, str, bool | None, str]
Window = tuple[float, float, float]  # readings a second; CPU us a reading of head-end and store
LINES, METERS, SPEED = 320, 32, 6.0
TARGET = 40_000


def figures() -> list[Figure]:
    """Median of several windows; rows are counted in the database."""
    turns, seconds = (3, 2.0) if os.environ.get("PREWATT_BENCH_SHORT") else (5, 4.0)
    try:
        program = build("responder")
    except NoCompilerError:
        return [("end-to-end", "-", "readings/s", f">= {TARGET}", None, "no C compiler for the responder")]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with (
        subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as process,
        tempfile.TemporaryDirectory(prefix="pw-e2e-") as folder,
    ):
        try:
            assert process.stdout is not None
            windows = _run(Path(folder), int(process.stdout.readline()), turns, seconds)
        finally:
            process.kill()
    value, ours, theirs = (round(statistics.median(one), 1) for one in zip(*windows, strict=True))
    detail = (
        f"{LINES} lines of {METERS} meters, {turns} windows of {seconds:g} s, responder and store on the same 2 cores; "
        f"CPU a reading: head-end {ours} us, store {theirs} us"
    )
    return [("end-to-end", round(value), "readings/s", f">= {TARGET}", value >= TARGET, detail)]


def _run(home: Path, port: int, turns: int, seconds: float) -> list[Window]:
    os.environ["PREWATT_HOME"] = str(home)
    os.environ.pop("PREWATT_DATABASE_URL", None)
    from prewatt.main import bootstrap
    from prewatt.main.home import DEMO, Home

    the_home = Home(home)
    the_home.create(DEMO)
    the_home.set_speed(SPEED)
    bootstrap.use(the_home)
    bootstrap.migrate()
    _estate(port)
    store = subprocess.Popen([sys.executable, "-m", "prewatt.main.cli", "store"], env=os.environ.copy())
    try:
        while not the_home.store_socket.exists():
            if store.poll() is not None:
                raise RuntimeError("the store ended before it was ready")
            time.sleep(0.05)
        return asyncio.run(_measure(the_home, store.pid, turns, seconds))
    finally:
        store.terminate()
        store.wait(20)


def _estate(port: int) -> None:
    """Lines and meters enough, all behind the one responder; written straight, as no rule is measured here."""
    from prewatt.office.estate.models import Gateway, Line, Meter, Site

    Site.objects.update_or_create(id=1, defaults={"name": "bench", "read_interval_s": 1})
    gateways = Gateway.objects.bulk_create(
        Gateway(name=f"g{n}", kind="transparent", host="127.0.0.1", port=port) for n in range(LINES)
    )
    lines = Line.objects.bulk_create(Line(name=g.name, gateway=g, baud=115_200) for g in gateways)
    Meter.objects.bulk_create(
        Meter(name=f"{line.name}-{unit}", line=line, address=unit, profile="acrel-dtsy1352-nk")
        for line in lines
        for unit in range(1, METERS + 1)
    )


def _count(path: Path) -> int:
    import sqlite3

    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return int(connection.execute("SELECT count(*) FROM readings_reading").fetchone()[0])


def _cpu(process: int) -> float:
    """CPU seconds of another process so far."""
    fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _measure(home: object, writer: int, turns: int, seconds: float) -> list[Window]:
    from prewatt.field.headend.remote import RemoteStore
    from prewatt.field.headend.service import HeadEnd
    from prewatt.main.home import Home

    assert isinstance(home, Home)
    clock = home.clock()
    store = RemoteStore(home.store_socket, clock)
    head = HeadEnd(store, clock, holder="bench")
    working = asyncio.create_task(head.run())
    database = home.path / "db.sqlite3"
    while await asyncio.to_thread(_count, database) < 3 * LINES * METERS:  # every meter is known, and its serial kept
        await asyncio.sleep(0.2)
    windows: list[Window] = []
    before = await asyncio.to_thread(_count, database), time.monotonic(), time.process_time(), _cpu(writer)
    for _ in range(turns):
        await asyncio.sleep(seconds)
        after = await asyncio.to_thread(_count, database), time.monotonic(), time.process_time(), _cpu(writer)
        rows, wall, ours, theirs = (new - old for new, old in zip(after, before, strict=True))
        windows.append((rows / wall, 1e6 * ours / max(1, rows), 1e6 * theirs / max(1, rows)))
        before = after
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    await store.close()
    return windows
