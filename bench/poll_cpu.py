"""poll-cpu: CPU a transaction on 313 loopback lines, against pymodbus async on the same event loop and a floor in C.

By turns: the C floor, our link alone, our whole head-end with a store that throws everything away, pymodbus. CPU is
this process's user and system time; the responder is a process of its own. Median of several turns.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from bench.yardstick import NoCompilerError, build
from prewatt.core.clock import SystemClock
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import Batch, GatewayEntry, Lease, LineEntry, MeterEntry, RosterData
from prewatt.field.links.tcp import TcpLink
from prewatt.meters.modbus import crc, read_request
from tests.fakes import FakeStore

Figure = tuple[str, float, str, str, bool | None, str]

LINES, METERS, REGISTERS = 313, 32, 48
WARM_S = 0.5
PROFILE = "acrel-dtsy1352-nk"


def _turns() -> tuple[int, float]:
    """How many turns, and seconds each."""
    return (3, 0.8) if os.environ.get("PREWATT_BENCH_SHORT") else (5, 1.5)


class _Alone:
    """One line on our link without a bus: check head and CRC, send the next question."""

    def __init__(self, port: int) -> None:
        self.done = 0
        self._unit = 0
        self._questions = [read_request(unit, 0x0200, REGISTERS) for unit in range(1, METERS + 1)]
        self._heads = [bytes((unit, 3, 2 * REGISTERS)) for unit in range(1, METERS + 1)]
        self.link = TcpLink("127.0.0.1", port, SystemClock())

    def link_up(self) -> None:
        self.link.send(self._questions[self._unit], 5 + 2 * REGISTERS)

    def link_down(self, reason: str) -> None:
        if reason != "reopened":
            raise RuntimeError(reason)

    def link_bytes(self, data: bytes) -> None:
        unit = self._unit
        if len(data) != 5 + 2 * REGISTERS or not data.startswith(self._heads[unit]) or crc(data):
            raise RuntimeError("not the answer")
        self.done += 1
        self._unit = unit = (unit + 1) % METERS
        self.link.send(self._questions[unit], 5 + 2 * REGISTERS)


async def _measure(done: Callable[[], int], seconds: float) -> float:
    """CPU microseconds a transaction, after a warm-up."""
    await asyncio.sleep(WARM_S)
    before, cpu = done(), time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu) / max(1, done() - before) * 1e6


async def alone(port: int, seconds: float) -> float:
    """Our transport alone."""
    lines = [_Alone(port) for _ in range(LINES)]
    for line in lines:
        line.link.start(line)
    result = await _measure(lambda: sum(line.done for line in lines), seconds)
    await asyncio.gather(*(line.link.stop() for line in lines))
    return result


class _Nowhere(FakeStore):
    """A store that throws readings away and has no orders."""

    async def ingest(self, batch: Batch) -> None:  # noqa: ARG002
        return

    async def lease(self, *, holder: str, take_over: bool) -> Sequence[Lease]:  # noqa: ARG002
        return [Lease(gateway.gateway_id, holder, 1, 2**60) for gateway in self.data.gateways]


async def whole(port: int, seconds: float) -> float:
    """Our head-end: silence, priorities, contact, batches."""
    gateways = tuple(
        GatewayEntry(number, f"g{number}", "transparent", "127.0.0.1", port, "", (
            LineEntry(number, f"l{number}", 1, 115200, "N", False, 0.0, tuple(
                MeterEntry(number * 100 + unit, "m", unit, PROFILE, "", 1800) for unit in range(1, METERS + 1))),))
        for number in range(1, LINES + 1)
    )  # fmt: skip
    head = HeadEnd(_Nowhere(RosterData(1, gateways), SystemClock()), SystemClock())
    working = asyncio.create_task(head.run())
    while head.exchanges() < 4 * LINES * METERS:  # state, identity and total of every meter, and more
        await asyncio.sleep(0.1)
    result = await _measure(head.exchanges, seconds)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    return result


async def pymodbus(port: int, seconds: float) -> float:
    """pymodbus's asyncio client, one connection and one task a line."""
    clients = [AsyncModbusTcpClient("127.0.0.1", port=port, framer=FramerType.RTU) for _ in range(LINES)]
    for client in clients:
        await client.connect()
    done = 0
    stopping = False  # not by cancelling: its retries swallow that

    async def read(client: AsyncModbusTcpClient) -> None:
        nonlocal done
        unit = 0
        while not stopping:
            unit = unit % METERS + 1
            answer = await client.read_holding_registers(0x0200, count=REGISTERS, device_id=unit)
            if len(answer.registers) != REGISTERS:
                raise RuntimeError("not the answer")
            done += 1

    tasks = [asyncio.create_task(read(client)) for client in clients]
    result = await _measure(lambda: done, seconds)
    stopping = True
    await asyncio.gather(*tasks)
    for client in clients:
        client.close()
    return result


def floor(port: int, seconds: float) -> float:
    """The C floor."""
    answer = subprocess.run(
        [build("floor"), str(port), str(LINES), str(seconds), str(REGISTERS)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return float(answer[1]) / int(answer[0]) * 1e6


def figures() -> list[Figure]:
    """Both ratios of each."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    try:
        responder = build("responder")
    except NoCompilerError as error:
        return [("poll-cpu", 0.0, "x", ">= 6 and >= 50 %", None, str(error))]
    turns, seconds = _turns()
    sides: dict[str, Callable[[int, float], Awaitable[float]]] = {"link": alone, "bus": whole, "pymodbus": pymodbus}
    found: dict[str, list[float]] = {name: [] for name in (*sides, "floor")}
    with subprocess.Popen([responder], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            for _ in range(turns):
                found["floor"].append(floor(port, seconds))
                for name, side in sides.items():
                    found[name].append(asyncio.run(_run(side, port, seconds)))
        finally:
            process.kill()
    cost = {name: statistics.median(values) for name, values in found.items()}
    detail = ", ".join(f"{name} {value:.2f} us" for name, value in cost.items())
    return [
        _ratio("poll-cpu-link", cost["pymodbus"] / cost["link"], 6, "x", detail),
        _ratio("poll-cpu-link-floor", 100 * cost["floor"] / cost["link"], 50, "%", detail),
        _ratio("poll-cpu-bus", cost["pymodbus"] / cost["bus"], 4, "x", detail),
        _ratio("poll-cpu-bus-floor", 100 * cost["floor"] / cost["bus"], 35, "%", detail),
    ]


async def _run(side: Callable[[int, float], Awaitable[float]], port: int, seconds: float) -> float:
    return await side(port, seconds)


def _ratio(name: str, value: float, target: int, unit: str, detail: str) -> Figure:
    return (name, round(value, 2), unit, f">= {target}", value >= target, detail)


if __name__ == "__main__":
    for figure in figures():
        print(*figure)
