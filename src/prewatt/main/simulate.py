"""``prewatt simulate``: simulated meters on real lines, for any Modbus master; in a demo home, the demo building."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from pathlib import Path

from prewatt.core.clock import Clock, ScaledClock, SystemClock
from prewatt.core.errors import Refusal
from prewatt.field.simulator.building import SimulatedBuilding
from prewatt.field.simulator.faults import FaultKind
from prewatt.field.simulator.plan import DDSY, DLT_MODELS, PROFILES, BuildingPlan, bench, describe
from prewatt.field.simulator.server import BuildingServer
from prewatt.main.home import Home

FRAMINGS = ("rtu-over-tcp", "modbus-tcp", "serial")
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


def main(argv: list[str]) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    options = parse(argv)
    try:
        return asyncio.run(serve(options))
    except OSError as error:
        raise Refusal("simulator-cannot-listen", "The simulator cannot listen: %(why)s", why=error) from error


def parse(argv: list[str]) -> argparse.Namespace:
    """Options, checked. Without a number of lines or meters, and without a profile, it is the demo building."""
    parser = argparse.ArgumentParser(
        prog="./run simulate", description="Simulated prepaid meters. Ctrl-C or SIGTERM stops them."
    )
    parser.add_argument("--lines", type=int, help="so many lines of equal meters, instead of the demo building")
    parser.add_argument("--meters", type=int, help="meters on each line (1 to 247; 24 when not given)")
    parser.add_argument("--profile", choices=PROFILES, help="kind of meter")
    parser.add_argument("--baud", type=int, choices=BAUDS, help="9600 when not given, 2400 for DL/T 645")
    parser.add_argument("--framing", choices=FRAMINGS, default="rtu-over-tcp")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (loopback when not given)")
    parser.add_argument("--port", type=int, default=0, help="port of the first line; the others follow (0: free ones)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--speed", type=float, default=1.0, help="site time passes this many times as fast (0.1 to 600)"
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="F",
        help=f"KIND[:TARGET[:CHANCE]], KIND one of {', '.join(FaultKind)}; TARGET a serial, line, gateway or *",
    )  # fmt: skip
    parser.add_argument("--state", type=Path, help="folder that keeps what was done to the meters")
    parser.add_argument("--home", type=Path, help="the demo building of this home, with its clock, ports and state")
    parser.add_argument("--json", action="store_true", help="first print one line that says where everything is")
    options = parser.parse_args(argv)
    if not 0.1 <= options.speed <= 600:
        parser.error("--speed is from 0.1 to 600")
    if options.lines is not None and not 1 <= options.lines <= 256:
        parser.error("--lines is from 1 to 256")
    if options.meters is not None and not 1 <= options.meters <= 247:
        parser.error("--meters is from 1 to 247")
    if options.profile in DLT_MODELS and options.framing == "modbus-tcp":
        parser.error("Modbus TCP does not carry frames of DL/T 645")
    if not 0 <= options.port <= 65_535:
        parser.error("--port is from 0 to 65535")
    return options


async def serve(options: argparse.Namespace) -> int:
    """Build, open, tell, wait, close."""
    server = make(options)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await server.start()
    tell(server, as_json=options.json)
    try:
        await stop.wait()
    finally:
        await server.stop()
    return 0


def make(options: argparse.Namespace) -> BuildingServer:
    """The building and its server, as the options say. Raises Refusal for a fault that cannot be."""
    if options.home:
        server = of_home(Home(options.home.absolute()), options)
    else:
        plan = plan_of(options)
        building = SimulatedBuilding(plan, clock_of(options.speed), folder=options.state)
        server = BuildingServer(building, host=options.host, ports=row_of_ports(plan, options.port))
    for text in options.fault:
        set_fault(server.building, text)
    return server


def of_home(home: Home, options: argparse.Namespace) -> BuildingServer:
    """The demo building of a home: its seed and first day, its ports, its clock, and what happened so far."""
    folder = home.path / "simulator"
    founded = read_json(home.path / "building.json")
    ports = read_json(folder / "ports.json")
    plan = describe(founded.get("seed", options.seed))
    building = SimulatedBuilding(plan, home.clock(), folder=folder, start_ms=founded.get("start_ms"))
    by_line = {line.name: ports[line.gateway] + line.channel - 1 for line in plan.lines() if line.gateway in ports}
    return BuildingServer(building, host=options.host, ports=by_line, control=home.simulator_socket)


def read_json(file: Path) -> dict[str, int]:
    """Numbers kept by name in a file; empty when the file is not there."""
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        return {}


def plan_of(options: argparse.Namespace) -> BuildingPlan:
    """The demo building, or plain lines when their number or kind was asked for."""
    plain = (options.lines, options.meters, options.profile, options.baud)
    if not any(plain) and options.framing == "rtu-over-tcp":
        return describe(options.seed)
    usual = 2400 if options.profile in DLT_MODELS else 9600
    return bench(
        options.lines or 1, options.meters or 24, options.profile or DDSY, options.baud or usual, options.seed,
        options.framing,
    )  # fmt: skip


def clock_of(speed: float) -> Clock:
    """Time from now on, at that speed."""
    now = time.time()
    return SystemClock() if speed == 1 else ScaledClock(now, now, speed)


def row_of_ports(plan: BuildingPlan, first: int) -> dict[str, int]:
    """A port for each line, counted from the first one; none when any will do."""
    return {line.name: first + place for place, line in enumerate(plan.lines())} if first else {}


def set_fault(building: SimulatedBuilding, text: str) -> None:
    """Set a fault written as KIND[:TARGET[:CHANCE]]. Raises Refusal when it makes no sense."""
    kind, _, rest = text.partition(":")
    target, _, chance = rest.partition(":")
    try:
        building.fault(FaultKind(kind), target or "*", chance=float(chance) if chance else None)
    except ValueError as error:
        raise Refusal("bad-fault", "--fault %(text)s: %(why)s", text=text, why=error) from error


def tell(server: BuildingServer, *, as_json: bool) -> None:
    """Say where everything is: one line of JSON, or a line for each line."""
    if as_json:
        print(json.dumps({"lines": server.lines()}, ensure_ascii=False), flush=True)
        return
    for line in server.lines():
        place = f"{line['host']}:{line['port']}" if line["port"] else line["host"]
        kinds = ", ".join(sorted({meter["profile"] for meter in line["meters"]}))
        print(
            f"{line['name']}  {line['framing']}  {place}  {line['baud']} 8{line['parity']}1  "
            f"{len(line['meters'])} x {kinds}",
            flush=True,
        )
