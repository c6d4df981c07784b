"""The web server as a process: killed without a chance to clean up, it leaves no worker behind that keeps the port."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from prewatt.main.home import root


def within(seconds: float, happened: Callable[[], bool]) -> bool:
    """Whether it happened in time: real processes end in real time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def answers(port: int) -> bool:
    """Whether the worker answers, whatever it says."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/sign-in/")
        return bool(connection.getresponse().status)
    except OSError:
        return False


def free(port: int) -> bool:
    """Whether a next start may take the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_a_killed_web_server_takes_its_worker_along(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = os.environ | {"PREWATT_HOME": str(tmp_path / "home"), "PREWATT_PORT": str(port)}
    environment.pop("PREWATT_SUPERVISOR", None)
    server = subprocess.Popen(
        [sys.executable, "-m", "prewatt.main.cli", "web"], cwd=root(), env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        assert within(60, lambda: server.poll() is not None or answers(port))
        assert server.poll() is None
        server.kill()
        server.wait()
        assert within(10, lambda: free(port))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
