"""poll-cpu-secure: what TLS 1.3 and triple-DES records cost a poll, against the same lines in clear, run by turns.

CPU is this process's; the gateways answer from a process of their own. The same 313 lines, questions and answers as
poll-cpu. There is no target: it says what the protection costs on this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.poll_cpu import LINES, METERS, REGISTERS, _Alone, _measure, _turns
from prewatt.core.clock import SystemClock
from prewatt.field.headend.plant import Links
from prewatt.field.headend.store import GatewayEntry, LineEntry
from prewatt.field.links import secure, tls
from prewatt.field.links.protected import Protection
from prewatt.field.links.record3des import Shared
from prewatt.main.authority import Authority
from prewatt.meters.modbus import read_answer

Figure = tuple[str, float, str, str, bool | None, str]

NAME, SECRET = "bench", bytes(range(32))
MODES = ("clear", "tls", "3des")


class _Gateway(asyncio.Protocol):
    """Answers each request at once."""

    answers = {unit: read_answer(unit, bytes(2 * REGISTERS)) for unit in range(1, METERS + 1)}

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.answers[data[0]])


async def _serve(folder: Path) -> None:
    """The gateways, in all three modes, until this process is ended."""
    loop = asyncio.get_running_loop()
    papers = tls.Papers.of_gateway(folder / "gateway")
    shared = Shared(SECRET, datetime.now(UTC) + timedelta(days=1))
    clear = await loop.create_server(_Gateway, "127.0.0.1", 0, backlog=1024)
    locked = await loop.create_server(_Gateway, "127.0.0.1", 0, ssl=tls.server_context(papers), backlog=1024)
    records = await secure.listen_records(
        lambda _name, _mode: _Gateway(), "127.0.0.1", 0, lookup=lambda _: shared, clock=SystemClock(),
        random=secrets.token_bytes,
    )  # fmt: skip
    ports = [clear.sockets[0].getsockname()[1], locked.sockets[0].getsockname()[1], records.port]
    print(json.dumps(dict(zip(MODES, ports, strict=True))), flush=True)
    await asyncio.Event().wait()


async def _cost(mode: str, port: int, protection: Protection, seconds: float) -> float:
    """CPU microseconds a transaction in that mode."""
    until = round((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1000)
    entry = LineEntry(1, NAME, 1, 9600, "N", False, 0.0, ())
    gateway = GatewayEntry(1, NAME, "transparent", "127.0.0.1", port, "", (entry,), mode, until)
    links = Links(SystemClock(), None, protection)
    lines = [_Alone(port) for _ in range(LINES)]
    for line in lines:
        line.link = links.make(gateway, entry)  # type: ignore[assignment]
        line.link.start(line)
    async with asyncio.timeout(60):
        while not all(line.done for line in lines):
            await asyncio.sleep(0.05)
    result = await _measure(lambda: sum(line.done for line in lines), seconds)
    await asyncio.gather(*(line.link.stop() for line in lines))
    return result


def figures() -> list[Figure]:
    """Microseconds a poll over TLS and over records, with the ratio to clear."""
    turns, seconds = _turns()
    found: dict[str, list[float]] = {mode: [] for mode in MODES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pki"
        authority = Authority(folder, datetime.now(UTC))
        authority.make("bench", [])
        authority.enrol(NAME, folder / "gateway")
        protection = Protection(
            tls.Papers.of_server(folder), tls.Revocations(folder / "crl.pem", folder / "ca.pem"), lambda _: SECRET,
            SystemClock(), secrets.token_bytes,
        )  # fmt: skip
        command = [sys.executable, "-m", "bench.poll_cpu_secure", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)
        }) as process:  # fmt: skip
            try:
                assert process.stdout is not None
                ports = json.loads(process.stdout.readline())
                for _ in range(turns):
                    for mode in MODES:
                        found[mode].append(asyncio.run(_cost(mode, ports[mode], protection, seconds)))
            finally:
                process.kill()
    cost = {mode: statistics.median(values) for mode, values in found.items()}
    return [
        (f"poll-cpu-secure-{mode}", round(cost[mode], 2), "us", "told", True,
         f"{cost[mode] / cost['clear']:.1f} times clear ({cost['clear']:.2f} us)")
        for mode in MODES[1:]
    ]  # fmt: skip


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
