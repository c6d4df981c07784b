"""A site run by its real processes: a foreign Modbus server is imported as a meter, and the status tells its vector."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import modbus_tk.defines
import modbus_tk.modbus_tcp
import pytest
import xlsxwriter

from bench.building import free_port
from tests.meters.vectors import POLL_ANSWER

PATIENCE_S = 40.0


@contextmanager
def modbus_tk_meter(port: int) -> Iterator[None]:
    """A modbus-tk slave that holds the composite block of the vector and nothing else."""
    server = modbus_tk.modbus_tcp.TcpServer(port=port, address="127.0.0.1")
    server.start()
    slave = server.add_slave(1)
    slave.add_block("state", modbus_tk.defines.HOLDING_REGISTERS, 0x0200, 48)
    body = POLL_ANSWER[3:-2]
    slave.set_values("state", 0x0200, [int.from_bytes(body[at : at + 2], "big") for at in range(0, 96, 2)])
    try:
        yield
    finally:
        server.stop()


@contextmanager
def rtu_over_tcp_meter(port: int) -> Iterator[None]:
    """A bare socket that answers the poll with the published bytes: a transparent gateway with one meter behind it."""
    listener = socket.create_server(("127.0.0.1", port))
    stop = threading.Event()

    def serve() -> None:
        listener.settimeout(0.2)
        while not stop.is_set():
            try:
                link, _ = listener.accept()
            except TimeoutError:
                continue
            link.settimeout(0.2)
            while not stop.is_set():
                try:
                    asked = link.recv(256)
                except TimeoutError:
                    continue
                if not asked:
                    break
                if asked == bytes.fromhex("0103020000304466"):
                    link.sendall(POLL_ANSWER)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)
        listener.close()


def workbook(file: Path, kind: str, port: int) -> None:
    with xlsxwriter.Workbook(str(file)) as book:
        for name, rows in {
            "gateways": [["name", "kind", "host", "port"], ["G1", kind, "127.0.0.1", port]],
            "lines": [["name", "gateway", "channel", "baud", "parity"], ["L1", "G1", 1, 9600, "N"]],
            "meters": [["name", "line", "address", "profile", "unit"], ["M1", "L1", 1, "acrel-dtsy1352-nk", "1-01"]],
            "units": [["number"], ["1-01"]],
        }.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


class Site:
    """A home and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.environment = os.environ | {
            "PREWATT_HOME": str(folder / "site"),
            "PREWATT_PORT": str(free_port()),
            "PREWATT_DATABASE_URL": "",
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "prewatt.main.cli", *words]

    def status(self) -> dict[str, Any]:
        done = subprocess.run(
            self.command("status", "--json"), env=self.environment, capture_output=True, check=True, text=True
        )
        meter: dict[str, Any] = json.loads(done.stdout)["meters"][0]
        return meter

    def wait(self, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The meter's status once it is enough, or as it is when patience ends."""
        deadline = time.monotonic() + PATIENCE_S
        while not enough(meter := self.status()) and time.monotonic() < deadline:
            time.sleep(0.3)  # real processes, real time
        return meter


@contextmanager
def running(site: Site, said: Path) -> Iterator[None]:
    """``serve`` from its welcome to its end; nothing of it is left."""
    with said.open("w") as output:
        process = subprocess.Popen(site.command("serve"), env=site.environment, stdout=output, stderr=output)
    deadline = time.monotonic() + PATIENCE_S
    while "http://" not in said.read_text() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    try:
        assert process.poll() is None, said.read_text()
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.parametrize(("kind", "server"), [("modbus-tcp", modbus_tk_meter), ("transparent", rtu_over_tcp_meter)])
def test_the_published_vector_reaches_the_status(kind: str, server: Any, tmp_path: Path) -> None:
    """12345.67 kWh, 150.25 yuan, count 7, contactor closed; registers the server lacks change nothing of that."""
    site, port = Site(tmp_path), free_port()
    workbook(tmp_path / "one.xlsx", kind, port)
    with server(port), running(site, tmp_path / "said"):
        done = subprocess.run(
            site.command("import", str(tmp_path / "one.xlsx"), "--json"), env=site.environment, capture_output=True
        )
        assert json.loads(done.stdout)["ok"], done.stdout
        meter = site.wait(lambda seen: seen["energy_wh"] is not None)
    assert meter["energy_wh"] == 12_345_670
    assert meter["credit_fen"] == 150_25
    assert meter["purchase_number"] == 7
    assert meter["contactor"] == "closed"
    assert meter["contact"] == "ok"
    assert meter["state"] == "not-opened"
