"""``prewatt headend``: reads the lines of a home and carries what its store wants carried, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial

import structlog

from prewatt.core.errors import Refusal
from prewatt.field.headend.managers import Managers
from prewatt.field.headend.plant import Links
from prewatt.field.headend.remote import RemoteStore
from prewatt.field.headend.service import HeadEnd
from prewatt.field.links.protected import Protection
from prewatt.field.links.tls import Papers, Revocations
from prewatt.main import uplink
from prewatt.main.authority import FOLDER
from prewatt.main.home import Home
from prewatt.main.secrets_ import ACREL, RECORDS, GatewaySecrets

log = structlog.get_logger(__name__)


def main(argv: Sequence[str]) -> int:
    """Run until SIGTERM or SIGINT. The store may come later, and may go away and come back."""
    parser = argparse.ArgumentParser(prog="./run headend", description="Only the head-end, which reads the lines.")
    parser.parse_args(list(argv))
    configure_log()
    asyncio.run(serve(Home.find()))
    return 0


async def serve(home: Home) -> None:
    """The head-end of one home."""
    clock = home.clock()
    store = RemoteStore(home.store_socket, clock)
    kept = GatewaySecrets(home.path)
    managers = Managers(clock, secrets.token_bytes, partial(secret_of, kept, ACREL), field_host())
    pki = home.path / FOLDER
    protection = Protection(
        Papers.of_server(pki), Revocations(pki / "crl.pem", pki / "ca.pem"), partial(secret_of, kept, RECORDS), clock,
        secrets.token_bytes,
    )  # fmt: skip
    links = Links(clock, managers, protection)
    holder = f"{socket.gethostname()}:{os.getpid()}"
    head = HeadEnd(store, clock, holder=holder, make_link=links.make, managers=managers)
    working = asyncio.create_task(head.run())
    waiting = asyncio.create_task(
        uplink.listen(head.uplinks, pki, partial(secret_of, kept, RECORDS), clock, field_host(), uplink.port())
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    log.info("headend.started", home=str(home.path))
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await working
        await head.last_flush()
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await store.close()
        log.info("headend.stopped")


def field_host() -> str:
    """PREWATT_FIELD_HOST: the address on which gateways that dial in are waited for; loopback when not set."""
    return os.environ.get("PREWATT_FIELD_HOST") or "127.0.0.1"


def secret_of(kept: GatewaySecrets, kind: str, gateway: str) -> bytes | None:
    """A gateway's secret; none when the file is no good, which is said and refuses the gateway."""
    try:
        return kept.get(kind, gateway)
    except Refusal as refusal:
        log.warning("secrets.refused", why=str(refusal))
        return None


def configure_log() -> None:
    """One line an event on stderr: plain key=value, coloured only for a person at a terminal."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
            if sys.stderr.isatty()
            else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
