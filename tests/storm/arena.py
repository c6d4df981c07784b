"""The database of a storm: a real SQLite file made once by the migrations, and set back before every schedule."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")
START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
SERIALS = ("260700000001", "260700000002")
PROFILE = "acrel-ddsy1352-nk"
SWEEP_PAUSE_S = 20  # polling is not what this storm is about


@dataclass(frozen=True)
class People:
    """Keys of what every schedule begins with."""

    meters: tuple[int, ...]
    agreements: tuple[int, ...]
    cashiers: tuple[int, ...]
    counters: tuple[int, ...]


class Arena:
    """Owns the file and the one connection to it; ``entered`` makes it Django's default."""

    def __init__(self) -> None:
        shared = Path("/dev/shm")
        self._folder = Path(tempfile.mkdtemp(prefix="prewatt-storm-", dir=shared if shared.is_dir() else None))
        self._template: Any = None
        self.after_reset: tuple[str, ...] = ()  # what a mutant takes out of the database
        self.people: People
        self._connection = self._open()
        with self.entered():
            self.people = self._furnish()
            self._remember()

    def close(self) -> None:
        """Leave nothing behind."""
        self._template.close()
        self._connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """What runs inside uses the storm's database."""
        before = connections["default"]
        connections["default"] = self._connection
        try:
            yield
        finally:
            connections["default"] = before

    def reset(self) -> None:
        """Every table as it was when the building was furnished."""
        self._connection.ensure_connection()
        self._template.backup(self._connection.connection)
        for statement in self.after_reset:
            self._connection.connection.execute(statement)

    def restart(self) -> None:
        """The process that had the connection is gone: what it had not committed never was."""
        wrapper = self._connection
        if wrapper.connection is not None:
            wrapper.connection.rollback()
        wrapper.in_atomic_block = wrapper.needs_rollback = wrapper.closed_in_transaction = False
        wrapper.savepoint_ids, wrapper.run_on_commit, wrapper.atomic_blocks = [], [], []
        wrapper.execute_wrappers.clear()
        wrapper.close()

    @property
    def connection(self) -> Any:
        """Django's connection."""
        return self._connection

    def _open(self) -> Any:
        from django.db.utils import load_backend

        settings = {**connections["default"].settings_dict}
        settings |= {"ENGINE": "prewatt.main.sqlite_backend", "NAME": str(self._folder / "storm.sqlite3")}
        # no power fails here, and a flush to disk would be all that the storm measures
        settings["OPTIONS"] = {"timeout": 20, "init_command": "PRAGMA synchronous=OFF"}
        wrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, "default")
        wrapper.inc_thread_sharing()
        return wrapper

    def _furnish(self) -> People:
        from django.core.management import call_command

        call_command("migrate", verbosity=0, interactive=False)
        return furnish()

    def _remember(self) -> None:
        import sqlite3

        self._template = sqlite3.connect(str(self._folder / "template.sqlite3"), check_same_thread=False)
        self._connection.connection.backup(self._template)


def furnish() -> People:
    """A gateway with one line, two units with a meter each, two cashiers at two tills."""
    from prewatt.office.vending.services import ensure_counter
    from tests.office import factories as make

    make.make_site(sweep_pause_s=SWEEP_PAUSE_S)
    gateway = make.make_gateway(name="gateway", host="127.0.0.1", port=20_000)
    line = make.make_line(gateway=gateway, name="line")
    meters, agreements, cashiers, counters = [], [], [], []
    for place, serial in enumerate(SERIALS):
        premises = make.make_premises(number=f"U{place + 1}")
        meter = make.make_meter(line=line, premises=premises, name=f"meter {place + 1}", serial=serial)
        meters.append(meter.pk)
        agreements.append(make.make_agreement(meter=meter, premises=premises, name=f"tenant {place + 1}").pk)
        cashier = make.make_operator("cashier", username=f"cashier{place + 1}", name=f"cashier {place + 1}")
        cashiers.append(cashier.pk)
        prefix = "AB"[place]
        counters.append(ensure_counter(name=f"till {prefix}", prefix=prefix, by=cashier, at=START).pk)
    return People(tuple(meters), tuple(agreements), tuple(cashiers), tuple(counters))


def out_of_loop(call: Callable[[], T]) -> T:
    """Call with the running loop hidden: Django keeps a connection for each task, and the storm has only one."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return call()
    finally:
        asyncio._set_running_loop(loop)
