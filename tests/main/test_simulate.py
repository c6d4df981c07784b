"""``prewatt simulate`` as another program sees it: one line of JSON, meters that answer, a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from prewatt.core.errors import Refusal
from prewatt.field.simulator.client import SimulatorClient
from prewatt.field.simulator.plan import describe
from prewatt.main import simulate
from prewatt.meters import modbus


@contextmanager
def simulator(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "prewatt.main.cli", "simulate", "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.communicate()


def ask(port: int, frame: bytes, length: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as link:
        link.sendall(frame)
        heard = b""
        while len(heard) < length:
            piece = link.recv(length - len(heard))
            assert piece
            heard += piece
    return heard


def test_the_first_line_says_where_everything_is_and_the_meters_are_there(tmp_path: Path) -> None:
    with simulator("--lines", "2", "--meters", "3", "--profile", "acrel-dtsy1352-nk", "--baud", "19200", "--speed", "20",
                   "--state", str(tmp_path)) as (_process, told):  # fmt: skip
        assert [line["name"] for line in told["lines"]] == ["line-1", "line-2"]
        for line in told["lines"]:
            assert (line["host"], line["baud"], line["framing"]) == ("127.0.0.1", 19200, "rtu-over-tcp")
            assert [(meter["address"], meter["profile"]) for meter in line["meters"]] == [
                (address, "acrel-dtsy1352-nk") for address in (1, 2, 3)
            ]
            reply = ask(line["port"], modbus.read_request(2, 0x0043, 3), 11)
            assert modbus.sound(reply)
            assert reply[3:-2].hex() == line["meters"][1]["serial"]
    assert (tmp_path / "state.json").exists()


def test_alone_it_is_the_demo_building() -> None:
    with simulator("--seed", "3") as (_process, told):
        assert [line["name"] for line in told["lines"]] == [line.name for line in describe(3).lines()]
        assert sum(len(line["meters"]) for line in told["lines"]) == 192


def test_a_home_gives_its_seed_ports_and_socket(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    gateway = describe(2).gateways[1]
    (tmp_path / "simulator").mkdir()
    (tmp_path / "building.json").write_text(json.dumps({"seed": 2}))
    (tmp_path / "simulator" / "ports.json").write_text(json.dumps({gateway.name: free - 1}))
    with simulator("--home", str(tmp_path)) as (_process, told):
        ports = {line["name"]: line["port"] for line in told["lines"]}
        assert ports[gateway.lines[1].name] == free
        assert len(SimulatorClient(tmp_path / "simulator.sock").meters()) == 192
    assert not (tmp_path / "simulator.sock").exists()


def test_faults_of_the_command_line_hold() -> None:
    with (
        simulator("--meters", "2", "--speed", "20", "--fault", "dead:line-1") as (_process, told),
        socket.create_connection(("127.0.0.1", told["lines"][0]["port"]), 5) as link,
    ):
        link.settimeout(0.5)
        link.sendall(modbus.read_request(1, 0x0043, 3))
        with pytest.raises(TimeoutError):
            link.recv(1)


def test_a_port_in_use_is_one_line_on_stderr() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [
            sys.executable,
            "-m",
            "prewatt.main.cli",
            "simulate",
            "--lines",
            "1",
            "--port",
            str(taken.getsockname()[1]),
        ]
        told = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert told.returncode == 1
    assert "in use" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("wrong", [
    ["--speed", "0"], ["--meters", "248"], ["--lines", "0"], ["--profile", "x"], ["--baud", "300"], ["--port", "70000"],
])  # fmt: skip
def test_wrong_options_are_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        simulate.parse(wrong)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["fire", "dead:nobody", "noise:*:much"])
def test_a_fault_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="--fault"):
        simulate.make(simulate.parse(["--lines", "1", "--fault", text]))


def test_without_json_each_line_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    simulate.tell(simulate.make(simulate.parse(["--lines", "2", "--meters", "4"])), as_json=False)
    assert capsys.readouterr().out.splitlines()[1].endswith("9600 8N1  4 x acrel-ddsy1352-nk")
