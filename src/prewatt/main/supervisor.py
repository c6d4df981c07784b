"""Starts the processes of a home, restarts one that dies, and stops all of them; nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prewatt.main.home import Home

STOP_SECONDS = 8.0
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass
class Child:
    """One process of the tree: its verb, its log, and how often it had to be started again."""

    name: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    start_at: float = 0.0
    started_at: float = 0.0


@dataclass
class Supervisor:
    """Runs children in the order given and stops them in reverse."""

    home: Home
    children: list[Child]
    say: Callable[[str], None]
    stopping: bool = field(default=False)

    def request_stop(self, *_: object) -> None:
        """Signal handler: leave the loop."""
        self.stopping = True

    def start(self) -> None:
        """Start every child."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.request_stop)
        for child in self.children:
            self._spawn(child)

    def watch(self) -> None:
        """Keep the children alive until asked to stop."""
        while not self.stopping:
            self.look_after_all()
            time.sleep(0.1)

    def look_after_all(self) -> None:
        """Start again what has ended and is due."""
        for child in self.children:
            self._look_after(child)

    def stop(self) -> None:
        """End every child, kindly and then by force."""
        living = [child.process for child in reversed(self.children) if child.process and child.process.poll() is None]
        for process in living:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in living:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _kill_group(process)
        for process in living:
            process.wait()
            _kill_group(process)

    def _spawn(self, child: Child) -> None:
        environment = os.environ | {"PREWATT_SUPERVISOR": str(os.getpid()), "PREWATT_HOME": str(self.home.path)}
        with log_file(self.home, child.name).open("ab") as log:
            child.process = subprocess.Popen(
                [sys.executable, "-m", "prewatt.main.cli", *child.arguments],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        child.started_at = time.monotonic()

    def _look_after(self, child: Child) -> None:
        process = child.process
        if process is None:
            if time.monotonic() >= child.start_at:
                self._spawn(child)
            return
        status = process.poll()
        if status is None or self.stopping:
            return
        _kill_group(process)
        child.process = None
        if time.monotonic() - child.started_at > 60:
            child.restarts = 0
        child.start_at = time.monotonic() + PAUSES[min(child.restarts, len(PAUSES) - 1)]
        child.restarts += 1
        self.say(f"{child.name} ended with status {status} and is started again; see {log_file(self.home, child.name)}")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def log_file(home: Home, name: str) -> Path:
    """Where a child's own words go."""
    return home.path / "logs" / f"{name}.log"


def tail(file: Path, lines: int = 8) -> str:
    """The end of a log, for the person whose start failed."""
    try:
        return "\n".join(file.read_text("utf-8", "replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def children(verbs: Sequence[Sequence[str]]) -> list[Child]:
    """Children by their command lines; the verb is the name."""
    return [Child(arguments[0], tuple(arguments)) for arguments in verbs]
