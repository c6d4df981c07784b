"""A demo building of its own for a bench: the real processes on a home in a temporary folder."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 120.0


@dataclass(frozen=True)
class Building:
    """A running demo: its home, console address and first operator."""

    home: Path
    address: str
    username: str
    password: str
    process: subprocess.Popen[str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*options: str) -> Iterator[Building]:
    """Start ``prewatt demo`` with these options, wait for its console, stop it and remove its home."""
    with tempfile.TemporaryDirectory(prefix="pw-") as folder:
        home = Path(folder, "h")
        environment = os.environ | {"PREWATT_HOME": str(home), "PREWATT_PORT": str(free_port())}
        environment.pop("PREWATT_DATABASE_URL", None)
        process = subprocess.Popen(
            [sys.executable, "-m", "prewatt.main.cli", "demo", *options],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            yield _welcome(home, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _welcome(home: Path, process: subprocess.Popen[str]) -> Building:
    assert process.stdout is not None
    said: list[str] = []
    address = ""
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"https?://\S+", line):
            address = found[0]
        if found := re.search(r"(?:操作员): (\S+)\s.*?(?:密码): (\S+)", line):
            return Building(home, address, found[1], found[2], process)
    raise RuntimeError("the demo ended before it was ready:\n" + "".join(said))


def status(building: Building) -> dict[str, list[dict[str, object]]]:
    """``./run status --json`` of the building."""
    done = subprocess.run(
        [sys.executable, "-m", "prewatt.main.cli", "status", "--json"],
        env=os.environ | {"PREWATT_HOME": str(building.home)}, stdin=subprocess.DEVNULL,
        capture_output=True, check=True,
    )  # fmt: skip
    answer: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return answer


def wait_until_read(building: Building, share: float = 0.95) -> int:
    """Wait until that share of the meters has been read; how many were."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        meters = status(building)["meters"]
        read = sum(meter["contact"] == "ok" for meter in meters)
        if read >= share * len(meters) or time.monotonic() > deadline:
            return read
        time.sleep(0.5)


def use_django(building: Building) -> None:
    """Let this process work on the building's database through the services."""
    os.environ["PREWATT_HOME"] = str(building.home)
    from prewatt.main import bootstrap
    from prewatt.main.home import Home

    bootstrap.use(Home(building.home))
    from django.db import connection

    connection.close()  # a bench before this one may have worked on a home of its own
    connection.settings_dict["NAME"] = str(building.home / "db.sqlite3")
