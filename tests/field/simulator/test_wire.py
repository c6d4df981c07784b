"""Foreign masters on the simulated wire: pymodbus over both framings, minimalmodbus on a pseudo serial port, mbpoll over socat."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import minimalmodbus
import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient

from prewatt.core.clock import ScaledClock
from prewatt.core.errors import Refusal
from prewatt.field.simulator.building import SimulatedBuilding
from prewatt.field.simulator.client import SimulatorClient
from prewatt.field.simulator.plan import DDSY, DTSY, BuildingPlan, bench
from prewatt.field.simulator.server import BuildingServer
from prewatt.field.simulator.wire import blur
from prewatt.meters import modbus


class Running:
    """A building server in a thread of its own."""

    def __init__(self, plan: BuildingPlan, folder: Path | None = None, speed: float = 20.0) -> None:
        now = time.time()
        self.building = SimulatedBuilding(plan, ScaledClock(now, now, speed), folder=folder)
        self.socket = folder / "simulator.sock" if folder else None
        self._ready, self._thread = threading.Event(), threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.server = BuildingServer(self.building, control=self.socket)
        self._stop, self._loop = asyncio.Event(), asyncio.get_running_loop()
        await self.server.start()
        self._ready.set()
        await self._stop.wait()
        await self.server.stop()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def port(self, line: str = "line-1") -> int:
        return self.server.plugs[line].port

    def truth(self) -> dict[str, object]:
        return self.building.inspect(next(iter(self.building.meters)))


@contextlib.contextmanager
def running(plan: BuildingPlan, folder: Path | None = None, speed: float = 20.0) -> Iterator[Running]:
    server = Running(plan, folder, speed)
    try:
        yield server
    finally:
        server.stop()


def number(registers: list[int], at: int) -> int:
    """A U32 of a block that begins at 0200."""
    return registers[at - 0x200] << 16 | registers[at - 0x1FF]


@pytest.mark.parametrize(("framing", "framer"), [("rtu-over-tcp", FramerType.RTU), ("modbus-tcp", FramerType.SOCKET)])
def test_pymodbus_reads_and_pays_a_meter(framing: str, framer: FramerType) -> None:
    with running(bench(1, 2, DTSY, 9600, 1, framing)) as server:
        client = ModbusTcpClient("127.0.0.1", port=server.port(), framer=framer, timeout=3)
        assert client.connect()
        block = client.read_holding_registers(0x0200, count=48, device_id=1).registers
        truth = server.truth()
        assert block[0] == 5
        assert number(block, 0x0215) == pytest.approx(truth["energy_wh"] / 10, abs=5)  # type: ignore[operator]
        assert number(block, 0x021F) == pytest.approx(truth["remaining_fen"], abs=50)
        assert block[0x21] == truth["purchase_count"]
        assert block[0x24] >> 13 == 0b111
        serial = client.read_holding_registers(0x0043, count=3, device_id=1).registers
        assert "".join(f"{word:04x}" for word in serial) == truth["serial"]
        paid = client.write_registers(0x050D, [0, 100_00, block[0x21] + 1], device_id=1)
        assert not paid.isError()
        assert server.truth()["purchase_count"] == block[0x21] + 1
        refused = client.write_registers(0x050D, [0, 100_00, 9], device_id=1)
        assert refused.exception_code == 3
        assert client.read_holding_registers(0x0062, count=1, device_id=2).exception_code == 2
        client.close()


def test_minimalmodbus_reads_a_pseudo_serial_port() -> None:
    with running(bench(1, 1, DDSY, 9600, 1, "serial")) as server:
        instrument = minimalmodbus.Instrument(server.server.plugs["line-1"].host, 1)
        instrument.serial.timeout = 2
        assert instrument.read_registers(0x0200, 48)[0] == 7
        assert instrument.read_long(0x0414, signed=True) == pytest.approx(server.truth()["remaining_fen"], abs=5)
        instrument.serial.close()


def _mbpoll(command: list[str]) -> dict[int, int]:
    told = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert told.returncode == 0, told.stdout + told.stderr
    rows = [line.split(":") for line in told.stdout.splitlines() if line.startswith("[")]
    return {int(row[0].strip("[] ")): int(row[1].split()[0], 16) for row in rows}


def test_mbpoll_reads_a_meter_behind_a_transparent_gateway(need_tool: Callable[[str], str], tmp_path: Path) -> None:
    mbpoll, socat = need_tool("mbpoll"), need_tool("socat")
    port = tmp_path / "tty"
    with running(bench(1, 1, DDSY, 9600, 1)) as server:
        bridge = subprocess.Popen([socat, f"pty,raw,echo=0,link={port}", f"tcp:127.0.0.1:{server.port()}"])
        try:
            _wait(port.exists)
            seen = _mbpoll([
                mbpoll, "-m", "rtu", "-a", "1", "-b", "9600", "-P", "none", "-t", "4:hex", "-0", "-r", "512",
                "-c", "48", "-o", "3", "-1", str(port),
            ])  # fmt: skip
        finally:
            bridge.terminate()
            bridge.wait(5)
        truth = server.truth()
        assert seen[0x200] == 7
        assert seen[0x221] == truth["purchase_count"]
        assert seen[0x21F] << 16 | seen[0x220] == pytest.approx(truth["remaining_fen"], abs=50)


def test_mbpoll_reads_a_meter_behind_a_modbus_tcp_gateway(need_tool: Callable[[str], str]) -> None:
    mbpoll = need_tool("mbpoll")
    with running(bench(1, 1, DDSY, 9600, 1, "modbus-tcp")) as server:
        seen = _mbpoll([
            mbpoll, "-m", "tcp", "-p", str(server.port()), "-a", "1", "-t", "4:hex", "-0", "-r", "1024", "-c", "25",
            "-o", "3", "-1", "127.0.0.1",
        ])  # fmt: skip
        assert [seen[0x402 + 2 * rate] << 16 | seen[0x403 + 2 * rate] for rate in range(4)] == [8_500] * 4


def _wait(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_request_in_pieces_is_put_together_and_junk_does_not_stay() -> None:
    with (
        running(bench(1, 1, DDSY, 9600, 1)) as server,
        socket.create_connection(("127.0.0.1", server.port()), 5) as link,
    ):
        frame = modbus.read_request(1, 0x0043, 3)
        link.sendall(frame[:3])
        time.sleep(0.005)
        link.sendall(frame[3:])
        assert modbus.sound(_receive(link, 11))
        link.sendall(b"\x55\xaa\x01")
        time.sleep(0.2)
        link.sendall(frame)
        assert modbus.sound(_receive(link, 11))


def _receive(link: socket.socket, size: int) -> bytes:
    heard = b""
    while len(heard) < size:
        piece = link.recv(size - len(heard))
        assert piece, heard
        heard += piece
    return heard


def test_a_modbus_tcp_gateway_hangs_up_on_nonsense() -> None:
    plan = bench(1, 1, DDSY, 9600, 1, "modbus-tcp")
    with running(plan) as server, socket.create_connection(("127.0.0.1", server.port()), 5) as link:
        link.sendall(b"\xff" * 12)
        assert link.recv(10) == b""


def test_a_lost_gateway_hangs_up_refuses_and_comes_back_on_its_port(tmp_path: Path) -> None:
    with running(bench(2, 1, DDSY, 9600, 1), tmp_path) as server:
        engineer, port = SimulatorClient(tmp_path / "simulator.sock"), server.port("line-2")
        with socket.create_connection(("127.0.0.1", port), 5) as link:
            engineer.fault("gateway-lost", "gateway-2")
            assert link.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)
        socket.create_connection(("127.0.0.1", server.port("line-1")), 5).close()
        assert engineer.clear("gateway-lost") == 1
        socket.create_connection(("127.0.0.1", port), 5).close()


def test_the_engineer_sees_and_disturbs_the_building(tmp_path: Path) -> None:
    with running(bench(1, 3, DDSY, 9600, 1), tmp_path) as server:
        engineer = SimulatorClient(tmp_path / "simulator.sock")
        meters = engineer.meters()
        assert [meter["address"] for meter in meters] == [1, 2, 3]
        assert engineer.lines()[0]["port"] == server.port()
        serial = meters[0]["serial"]
        assert engineer.inspect(serial)["purchase_count"] == server.building.meters[serial].purse.count
        assert engineer.fault("dead", serial, 600)["target"] == serial
        assert [fault["kind"] for fault in engineer.faults()] == ["dead"]
        engineer.fault("power-cut", serial, 600)
        assert [meter["powered"] for meter in engineer.meters()] == [False, True, True]
        assert engineer.clear() == 2
        assert (tmp_path / "simulator.sock").stat().st_mode & 0o077 == 0
        for wrong in (
            lambda: engineer.inspect("nobody"),
            lambda: engineer.fault("dead", "nobody"),
            lambda: engineer.fault("fire", serial),
        ):
            with pytest.raises(Refusal, match="refused"):
                wrong()
    with pytest.raises(Refusal, match="not running"):
        engineer.meters()


def test_pieces_too_close_together_are_one() -> None:
    assert blur([(0.1, b"a"), (0.102, b"b"), (0.105, b"c"), (0.2, b"d")]) == [(0.105, b"abc"), (0.2, b"d")]


def test_a_port_in_use_is_an_error_and_leaves_nothing_open() -> None:
    async def clash() -> None:
        plan = bench(2, 1, DDSY, 9600, 1)
        now = time.time()
        building = SimulatedBuilding(plan, ScaledClock(now, now, 1.0))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            server = BuildingServer(building, ports={"line-2": taken.getsockname()[1]})
            with pytest.raises(OSError, match="in use"):
                await server.start()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", server.plugs["line-1"].port)

    asyncio.run(clash())
