"""Starts ./run as a newcomer does, twice, and says how long each took to a living building; leaves no process.

usage: first_start.py PATH HOME   (PATH: the only folder with programs; HOME: an empty folder)
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST_SECONDS = 90.0
SECOND_SECONDS = 5.0
MOST_METERS = 170  # of 192; two are dead on purpose


def start(environment: dict[str, str]) -> tuple[float, subprocess.Popen[str], str]:
    """Start ./run; return the moment it began, the process, and the console's address once it answers."""
    began = time.monotonic()
    process = subprocess.Popen(
        ["./run", "demo"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"https?://\S+", line):
            urllib.request.urlopen(found[0], timeout=10).read()
            return began, process, found[0]
    sys.exit("./run ended before it printed an address:\n" + "".join(said))


def stop(process: subprocess.Popen[str]) -> None:
    """Ctrl-C, and nothing may be left."""
    process.send_signal(signal.SIGINT)
    status = process.wait(20)
    if status not in {0, 130}:
        sys.exit(f"./run ended with status {status} after Ctrl-C")
    left = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _environment(entry).get("PREWATT_SUPERVISOR") == str(process.pid)
    ]
    if left:
        sys.exit(f"processes left behind: {left}")


def _environment(process: Path) -> dict[str, str]:
    try:
        pairs = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    return dict(pair.decode("utf-8", "replace").split("=", 1) for pair in pairs if b"=" in pair)


def living(environment: dict[str, str], since: datetime, wanted: int) -> int:
    """Wait until that many meters were read after ``since``; how many were."""
    deadline = time.monotonic() + FIRST_SECONDS
    while True:
        done = subprocess.run(
            ["./run", "status", "--json"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, check=True,
        )  # fmt: skip
        meters = json.loads(done.stdout)["meters"]
        fresh = sum(bool(meter["read_at"]) and datetime.fromisoformat(meter["read_at"]) > since for meter in meters)
        if fresh >= wanted or time.monotonic() > deadline:
            return fresh
        time.sleep(0.5)


def main() -> int:
    """Start twice; 1 when the building does not live or took too long."""
    path, home = sys.argv[1:3]
    environment = {"PATH": path, "HOME": home, "PREWATT_PORT": "18700", "PREWATT_HOME": str(Path(home, "building"))}
    since = datetime.now(UTC)
    began, process, address = start(environment)
    meters = living(environment, since, MOST_METERS)
    first = time.monotonic() - began
    stop(process)
    since = datetime.now(UTC)
    began, process, _ = start(environment)
    living(environment, since, 1)
    second = time.monotonic() - began
    stop(process)
    print(f"first start {first:.1f} s (target {FIRST_SECONDS:.0f}), {meters} meters read, at {address}")
    print(f"second start {second:.1f} s (target {SECOND_SECONDS:.0f})")
    if meters < MOST_METERS:
        print("the building is not alive")
        return 1
    return 0 if first <= FIRST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
