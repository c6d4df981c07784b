"""The whole head-end, over real sockets, against servers that others wrote: pymodbus, modbus-tk, libmodbus."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import modbus_tk.defines
import modbus_tk.modbus_tcp
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from prewatt.core.clock import SystemClock
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import GatewayEntry, LineEntry, MeterEntry, RosterData
from prewatt.meters.row import ABSENT
from tests.fakes import FakeMeter, FakeStore

PROFILE = "acrel-ddsy1352-nk"
BLOCKS = ((0x0043, 3), (0x0200, 48), (0x0412, 2))


def roster(kind: str, port: int, units: tuple[int, ...]) -> RosterData:
    """Each unit on a line of its own behind one gateway."""
    lines = tuple(
        LineEntry(
            unit, f"line {unit}", 1, 115200, "N", True, 0.0, (MeterEntry(unit, f"m{unit}", unit, PROFILE, "", 1800),)
        )
        for unit in units
    )
    return RosterData(1, (GatewayEntry(1, "gateway", kind, "127.0.0.1", port, "", lines),))


async def read(kind: str, port: int, units: tuple[int, ...]) -> FakeStore:
    """Run the head-end until every unit was read with its total and is in contact."""
    clock = SystemClock()
    store = FakeStore(roster(kind, port, units), clock)
    working = asyncio.create_task(HeadEnd(store, clock).run())
    try:
        async with asyncio.timeout(20):
            while not (
                set(store.latest) == set(units)
                and all(row.total_purchased != ABSENT for row in store.latest.values())
                and len(store.identities) >= len(units)
            ):
                await asyncio.sleep(0.02)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    return store


def pymodbus_device(meter: FakeMeter) -> SimDevice:
    blocks = [
        SimData(address, values=meter.words(address, count), datatype=DataType.REGISTERS) for address, count in BLOCKS
    ]
    return SimDevice(meter.unit, blocks)


@asynccontextmanager
async def pymodbus_server(framer: FramerType, meters: list[FakeMeter]) -> AsyncIterator[int]:
    server = ModbusTcpServer(
        [pymodbus_device(meter) for meter in meters],
        framer=framer,
        address=("127.0.0.1", 0),
        ignore_missing_devices=True,
    )
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


def expect(store: FakeStore, meters: list[FakeMeter]) -> None:
    for meter in meters:
        row = store.latest[meter.unit]
        assert (row.credit, row.purchase_number, row.total_purchased) == (meter.credit, meter.count, meter.total)
        assert row.energy_wh == meter.energy * 10
        assert meter.serial in {seen.serial for seen in store.identities if seen.meter_id == meter.unit}
    assert store.contact_of("gateway", 1) == ["ok"]


def test_pymodbus_as_a_transparent_gateway() -> None:
    meters = [FakeMeter(5, "000000000005", credit=-250, count=9, total=77)]

    async def main() -> FakeStore:
        async with pymodbus_server(FramerType.RTU, meters) as port:
            return await read("transparent", port, (5,))

    expect(asyncio.run(main()), meters)


def test_pymodbus_as_a_modbus_tcp_gateway_with_several_lines() -> None:
    meters = [FakeMeter(unit, f"{unit:012d}", credit=100 * unit, count=unit) for unit in (1, 2, 3)]

    async def main() -> FakeStore:
        async with pymodbus_server(FramerType.SOCKET, meters) as port:
            return await read("modbus-tcp", port, (1, 2, 3))

    expect(asyncio.run(main()), meters)


def test_modbus_tk_as_a_modbus_tcp_gateway() -> None:
    meter = FakeMeter(7, "000000000007", credit=1234)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = modbus_tk.modbus_tcp.TcpServer(port=port, address="127.0.0.1")
    slave = server.add_slave(7)
    for address, count in BLOCKS:
        slave.add_block(str(address), modbus_tk.defines.HOLDING_REGISTERS, address, count)
        slave.set_values(str(address), address, meter.words(address, count))
    server.start()
    try:
        store = asyncio.run(read("modbus-tcp", port, (7,)))
    finally:
        server.stop()
    expect(store, [meter])


def test_libmodbus_as_a_modbus_tcp_gateway(need_tool: Callable[[str], str], tmp_path: Path) -> None:
    compiler = need_tool("cc")
    program = tmp_path / "slave"
    source = Path(__file__).with_name("slave.c")
    built = subprocess.run(
        [compiler, "-O1", "-I/usr/include/modbus", "-o", program, source, "-lmodbus"], check=False, capture_output=True
    )
    if built.returncode:
        need_tool("libmodbus-is-missing")
    meter = FakeMeter(4, "000000000004", credit=4321)
    values = [
        f"{address + place}={word}"
        for address, count in BLOCKS
        for place, word in enumerate(meter.words(address, count))
    ]
    with subprocess.Popen([program, *values], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            store = asyncio.run(read("modbus-tcp", int(process.stdout.readline()), (4,)))
        finally:
            process.kill()
    expect(store, [meter])
