"""``prewatt worker``: seals the append-only tables every second, so that a change of the past is found."""

from __future__ import annotations

import argparse
import signal
import threading

import structlog

from prewatt.main import bootstrap
from prewatt.main.home import Home

EVERY_SECONDS = 1.0
log = structlog.get_logger(__name__)


def main(argv: list[str]) -> int:
    """Work until SIGTERM."""
    argparse.ArgumentParser(prog="./run worker", description="Only the worker, which seals the log.").parse_args(argv)
    home = Home.find()
    bootstrap.use(home)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run(home, stop)
    return 0


def run(home: Home, stop: threading.Event) -> None:
    """Seal until asked to stop; a database that is away is tried again."""
    from django.db import DatabaseError, connection

    from prewatt.main.books import SEALED
    from prewatt.office.operators import chain

    clock = home.clock()
    away = False
    while not stop.is_set():
        try:
            chain.seal(SEALED, at=clock.now())
            if away:
                log.info("worker.database-back")
            away = False
        except DatabaseError as error:
            if not away:
                log.warning("worker.database-away", why=str(error))
            away = True
            connection.close()
        stop.wait(EVERY_SECONDS)
    connection.close()
