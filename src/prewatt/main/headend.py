"""``prewatt headend``: reads the lines of a home and carries what its store wants carried, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Sequence

import structlog

from prewatt.field.headend.remote import RemoteStore
from prewatt.field.headend.service import HeadEnd
from prewatt.main.home import Home

log = structlog.get_logger(__name__)


def main(argv: Sequence[str]) -> int:
    """Run until SIGTERM or SIGINT. The store may come later, and may go away and come back."""
    parser = argparse.ArgumentParser(prog="prewatt headend", description=__doc__)
    parser.parse_args(list(argv))
    configure_log()
    asyncio.run(serve(Home.find()))
    return 0


async def serve(home: Home) -> None:
    """The head-end of one home."""
    clock = home.clock()
    store = RemoteStore(home.store_socket, clock)
    head = HeadEnd(store, clock, holder=f"{socket.gethostname()}:{os.getpid()}")
    working = asyncio.create_task(head.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    log.info("headend.started", home=str(home.path))
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await working
        await head.last_flush()
    finally:
        await store.close()
        log.info("headend.stopped")


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
