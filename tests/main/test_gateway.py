"""``prewatt gateway`` as a process: enrolled, reading a line over TCP, talking to a head-end in TLS."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from prewatt.core.clock import SystemClock
from prewatt.core.errors import Refusal
from prewatt.field.headend.service import HeadEnd
from prewatt.field.links import secure
from prewatt.main import gateway
from tests.fakes import FakeMeter
from tests.field.gateway.zonehouse import NAME, ZoneHouse
from tests.field.links.papers import Office


async def line_of(meters: list[FakeMeter]) -> asyncio.Server:
    """RTU over TCP: whole requests come at once on loopback."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while frame := await reader.read(256):
            for meter in meters:
                if (answer := meter.answer(frame)) is not None:
                    writer.write(answer)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


def test_the_verb_reads_a_line_and_hands_it_over(tmp_path: Path) -> None:
    office = Office(tmp_path)
    bundle = office.authority.enrol(NAME, tmp_path / "bundle")
    house = ZoneHouse([2])
    clock = house.store.clock = SystemClock()  # type: ignore[assignment]
    house.clock = clock  # type: ignore[assignment]

    async def live() -> None:
        line = await line_of(list(house.meters.values()))
        head = HeadEnd(house.store, clock, make_link=house.no_link)
        listener = await secure.listen_tls(head.uplinks.accept, "127.0.0.1", 0, office.server, office.revocations)
        working = asyncio.create_task(head.run())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "prewatt.main.cli", "gateway", "--data", str(tmp_path / "zone"),
            "--bundle", str(bundle), "--server", f"127.0.0.1:{listener.port}",
            "--line", f"1=tcp://127.0.0.1:{line.sockets[0].getsockname()[1]}",
            env={**os.environ, "PREWATT_HOME": str(tmp_path / "zone")}, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await house.until(lambda: len(house.store.latest) == 2, 30)
            order = house.store.sell(101, 500)
            await house.until(lambda: order.state == "DELIVERED", 20)
        finally:
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await listener.stop()
            line.close()

    asyncio.run(live())
    assert house.meters[101].applied == [(4, 500)]
    with sqlite3.connect(tmp_path / "zone" / gateway.BUFFER) as base:
        tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"reading", "note"}


@pytest.mark.parametrize(
    "options",
    [
        ["--line", "COM1"],
        ["--line", "1=ftp://host"],
        ["--line", "1="],
    ],
)
def test_a_line_that_is_none_is_refused(tmp_path: Path, options: list[str]) -> None:
    given = ["--data", str(tmp_path / "zone"), "--bundle", str(tmp_path), "--server", "host"]
    with pytest.raises(Refusal):
        gateway.main([*given, *options])


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="bundle"):
        gateway.main(["--data", str(tmp_path / "zone"), "--bundle", str(tmp_path), "--server", "host"])
