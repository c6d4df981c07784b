"""``./run``: a living demo building. Made once from a seed, then run by real processes."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Sequence

from prewatt.core.errors import Refusal
from prewatt.main import bootstrap, supervisor, web
from prewatt.main.home import DEMO, Home, write_durably

FIRST_SIMULATOR_PORT = 15020
ANSWER_SECONDS = 60.0
PROCESSES: tuple[tuple[str, ...], ...] = (("store",), ("headend",), ("worker",), ("web",))


def say(text: str) -> None:
    """A line for the person at the terminal."""
    print(text, flush=True)


def main(argv: list[str]) -> int:
    """Run the demo building until Ctrl-C."""
    options = parse(argv)
    if options.port:
        os.environ["PREWATT_PORT"] = str(options.port)
    host, port = web.address()
    home = Home.from_environment(DEMO)
    home.create(DEMO)
    with home.hold():
        web.require_free(host, port)
        half_made = (home.path / "db.sqlite3").exists() and not (home.path / "building.json").exists()
        if half_made:
            say("the demo building was half made; making it again")
        if options.fresh or half_made:
            clear(home)
        with passing(home, options.speed):
            bootstrap.use(home)
            password = prepare(home, options.seed)
            place_simulator(home)
            children = supervisor.children([("simulate", "--home", str(home.path)), *PROCESSES])
            return run(home, children, f"http://{host}:{port}/", password)


@contextlib.contextmanager
def passing(home: Home, speed: float) -> Iterator[None]:
    """Let site time pass at a speed while the building runs: left alone it ages no faster than the world around it."""
    home.set_speed(speed)
    try:
        yield
    finally:
        home.set_speed(1)


def parse(argv: list[str]) -> argparse.Namespace:
    """Options of the demo, checked."""
    parser = argparse.ArgumentParser(prog="./run demo", description="A living demo building. Ctrl-C stops all of it.")
    parser.add_argument("--fresh", action="store_true", help="forget the building and make it again")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="site time passes this many times as fast, this run (0.1 to 600)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another building; only with a fresh home")
    parser.add_argument("--port", type=int, help="port of the console (default: PREWATT_PORT or 8000)")
    options = parser.parse_args(argv)
    if not 0.1 <= options.speed <= 600:
        parser.error("--speed is from 0.1 to 600")
    return options


def clear(home: Home) -> None:
    """Empty a demo home; ``create`` made sure that it is one."""
    for entry in home.path.iterdir():
        if entry.name in {"home.json", "run.lock"}:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    (home.path / "logs").mkdir()


def prepare(home: Home, seed: int) -> str:
    """Bring the database up and make the building when there is none; the first operator's password or ""."""
    bootstrap.migrate()
    from prewatt.main import demo_building
    from prewatt.office.operators.models import Operator

    marker = home.path / "building.json"
    if not marker.exists():
        say("making the demo building: 4 zones, 8 lines, 192 meters")
        start_ms = demo_building.make(home, seed, say)
        write_durably(marker, json.dumps({"seed": seed, "start_ms": start_ms}))
    operator = Operator.objects.filter(username="admin").first()
    try:
        password = home.secret("first-operator.txt")
    except FileNotFoundError:
        return ""
    return password if operator and operator.check_password(password) else ""


def place_simulator(home: Home) -> None:
    """Give the simulated gateways free ports, and tell the estate when they had to move."""
    from prewatt.office.estate.keeping import bump_roster
    from prewatt.office.estate.models import Gateway

    gateways = list(Gateway.objects.filter(host="127.0.0.1", kind="transparent", retired_at=None).order_by("pk"))
    gateways = [gateway for gateway in gateways if gateway.name in simulated_gateways(home)]
    wanted = [gateway.port or 0 for gateway in gateways]
    if not all(port and all_free(port) for port in wanted):
        base = free_block(len(gateways))
        for place, gateway in enumerate(gateways):
            Gateway.objects.filter(pk=gateway.pk).update(port=base + 2 * place)
        bump_roster()
    ports = dict(Gateway.objects.filter(pk__in=[g.pk for g in gateways]).values_list("name", "port"))
    (home.path / "simulator").mkdir(exist_ok=True)
    write_durably(home.path / "simulator" / "ports.json", json.dumps(ports, ensure_ascii=False))


def simulated_gateways(home: Home) -> set[str]:
    """Names of the gateways that this home's simulator plays."""
    from prewatt.field.simulator.plan import describe

    seed = json.loads((home.path / "building.json").read_text("utf-8"))["seed"]
    return {gateway.name for gateway in describe(seed).gateways}


def all_free(port: int) -> bool:
    """Whether both channels of a gateway can listen there."""
    return is_free(port) and is_free(port + 1)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_block(gateways: int) -> int:
    """First port of a free run of two ports a gateway. Raises Refusal when there is none."""
    for base in range(FIRST_SIMULATOR_PORT, 60_000, 2 * gateways):
        if all(is_free(base + place) for place in range(2 * gateways)):
            return base
    raise Refusal("no-ports", "No free ports were found for the simulated gateways.")


def run(home: Home, children: list[supervisor.Child], address: str, password: str) -> int:
    """Start the processes, tell the address when the console answers, and stay until asked to stop."""
    tree = supervisor.Supervisor(home, children, lambda text: print(f"prewatt: {text}", file=sys.stderr, flush=True))
    try:
        tree.start()
        wait_for_console(address, tree)
        if not tree.stopping:
            welcome(home, address, password)
        tree.watch()
    finally:
        tree.stop()
    say("stopped")
    return 0


def wait_for_console(address: str, tree: supervisor.Supervisor) -> None:
    """Return when the console answers. Raises Refusal with the end of its log when it does not."""
    host, _, port = address.removeprefix("http://").removeprefix("https://").strip("/").rpartition(":")
    deadline = time.monotonic() + ANSWER_SECONDS
    while not tree.stopping:
        tree.look_after_all()
        try:
            connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=2)
            connection.request("GET", "/")
            connection.getresponse().read()
        except http.client.HTTPException:
            return  # it speaks TLS: it answers
        except OSError:
            if time.monotonic() > deadline:
                log = supervisor.log_file(tree.home, "web")
                text = supervisor.tail(log)
                raise Refusal(
                    "no-answer", "The console does not answer; see %(log)s\n%(text)s", log=log, text=text
                ) from None
            time.sleep(0.05)
        else:
            return


def welcome(home: Home, address: str, password: str) -> None:
    """The lines a person waits for."""
    lines: Sequence[str] = (
        "",
        f"  Prewatt is running   控制台: {address}",
        f"  operator 操作员: admin   password 密码: {password or '(changed; ./run operator admin gives a new one)'}",
        f"  data {home.path}   stop 停止: Ctrl-C",
        "",
    )
    for line in lines:
        say(line)
