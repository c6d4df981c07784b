"""``sales``: durable sales a second through the real service, 32 clients, each a process.

SQLite with our queue of writers against its own busy wait (throughput, and the longest anybody waited); PostgreSQL as
the service runs there against the same service under SERIALIZABLE, which must try again. Both sides by turns.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path
from typing import Any

Figure = tuple[str, float, str, str, bool, str]
ROOT = Path(__file__).resolve().parent.parent
SHORT = bool(os.environ.get("PREWATT_BENCH_SHORT"))
ROUNDS = 3 if SHORT else 5
SECONDS = 1.0 if SHORT else 4.0
PROCESSES, THREADS = 32, 1
UNITS = 40  # of each client, so that none has a long queue of orders


def figures() -> list[Figure]:
    """Three figures: throughput and longest wait on SQLite, throughput on PostgreSQL."""
    from tests import postgres

    with tempfile.TemporaryDirectory(prefix="pw-") as folder:
        queue, busy = by_turns(("queue", "busy"), Path(folder), None)
        with postgres.server() as url:
            make_durable(url)
            ours, serial = by_turns(("committed", "serializable"), Path(folder), url)
    rate, wait = median_of(queue, "rate"), median_of(queue, "longest")
    faster = statistics.median(mine["rate"] / other["rate"] for mine, other in zip(queue, busy, strict=True))
    waits = statistics.median(mine["longest"] / other["longest"] for mine, other in zip(queue, busy, strict=True))
    ratio = statistics.median(mine["rate"] / other["rate"] for mine, other in zip(ours, serial, strict=True))
    there = f"{median_of(ours, 'rate'):.0f} against {median_of(serial, 'rate'):.0f} sales/s"
    return [
        ("sales-sqlite", round(faster, 2), "x", ">= 0.95", faster >= 0.95, f"{rate:.0f} durable sales/s, 32 clients"),
        (
            "sales-sqlite-wait", round(waits, 3), "x", "<= 0.1", waits <= 0.1,
            f"longest wait {wait * 1000:.0f} ms against {median_of(busy, 'longest') * 1000:.0f} ms",
        ),
        ("sales-postgresql", round(ratio, 1), "x", ">= 6", ratio >= 6, f"{there} under SERIALIZABLE"),
    ]  # fmt: skip


def median_of(rounds: list[dict[str, float]], name: str) -> float:
    """Median of one measure over rounds."""
    return statistics.median(one[name] for one in rounds)


def by_turns(modes: tuple[str, str], folder: Path, url: str | None) -> tuple[list[dict[str, float]], ...]:
    """Rounds of two modes in turn; each mode sells into a home, or a database, of its own."""
    for mode in modes:
        run(mode, folder, url, "make")
    found: dict[str, list[dict[str, float]]] = {mode: [] for mode in modes}
    for _ in range(ROUNDS):
        for mode in modes:
            found[mode].append(run(mode, folder, url, "sell"))
    return tuple(found[mode] for mode in modes)


def run(mode: str, folder: Path, url: str | None, verb: str) -> dict[str, float]:
    """Run this file in a process of its own."""
    home = folder / mode
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREWATT_")}
    environment = kept | {"PREWATT_HOME": str(home), "DJANGO_SETTINGS_MODULE": "prewatt.main.settings"}
    if url:
        environment["PREWATT_DATABASE_URL"] = own_database(url, mode, make=verb == "make")
    done = subprocess.run(
        [sys.executable, "-m", "bench.sales", verb, mode, str(SECONDS)],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout)
    return result


def own_database(url: str, name: str, *, make: bool) -> str:
    """Address of a database of that name on the server, made first when asked."""
    import psycopg

    if make:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS bench_{name}")
            connection.execute(f"CREATE DATABASE bench_{name}")
    from urllib.parse import urlsplit, urlunsplit

    return urlunsplit(urlsplit(url)._replace(path=f"/bench_{name}"))


def make_durable(url: str) -> None:
    """The server for tests does not wait for its disk; a sale must. A server given from outside is left as it is."""
    if os.environ.get("PREWATT_TEST_PG"):
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = on")
        connection.execute("SELECT pg_reload_conf()")


def use(mode: str) -> None:
    """Set Django up, with the database as the mode wants it."""
    from prewatt.main import settings

    database: dict[str, Any] = settings.DATABASES["default"]
    if mode == "busy":  # the same library and durability, but SQLite's own wait
        from prewatt.main.sqlite_backend import library

        library.install()
        database["ENGINE"] = "django.db.backends.sqlite3"
        database["OPTIONS"] = {
            "timeout": 60, "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL",
        }  # fmt: skip
    if mode == "serializable":
        from psycopg import IsolationLevel

        database["OPTIONS"] = database["OPTIONS"] | {"isolation_level": IsolationLevel.SERIALIZABLE}
    import django

    django.setup()


def make() -> None:
    """A building with a till and UNITS units for each client."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    from prewatt.office.customers.models import AgreementMeter, Customer, SupplyAgreement
    from prewatt.office.estate.models import Gateway, Line, Meter, Premises, Site
    from prewatt.office.operators.models import Operator
    from prewatt.office.vending.models import Counter
    from tests.office.factories import AT

    Site.objects.create(name="bench")
    Operator.objects.create(username="bench", name="bench", created_at=AT)
    gateway = Gateway.objects.create(name="bench", kind="transparent", host="127.0.0.1", port=1)
    customer = Customer.objects.create(name="bench", created_at=AT)
    for client in range(PROCESSES * THREADS):
        Counter.objects.create(name=f"till {client}", prefix=f"T{client}")
        line = Line.objects.create(name=f"line {client}", gateway=gateway, channel=client + 1)
        names = [f"{client}-{unit}" for unit in range(UNITS)]
        units = Premises.objects.bulk_create(Premises(number=name) for name in names)
        meters = Meter.objects.bulk_create(
            Meter(name=name, line=line, address=place, profile="acrel-ddsy1352-nk", premises=unit)
            for place, (name, unit) in enumerate(zip(names, units, strict=True), 1)
        )
        supplies = SupplyAgreement.objects.bulk_create(
            SupplyAgreement(number=name, customer=customer, premises=unit, opened_at=AT)
            for name, unit in zip(names, units, strict=True)
        )
        AgreementMeter.objects.bulk_create(
            AgreementMeter(agreement=supply, meter=meter, bound_at=AT)
            for supply, meter in zip(supplies, meters, strict=True)
        )


def client(number: int, seconds: float, start: Any, results: list[tuple[int, float]]) -> None:
    """One cashier: sells as fast as the service lets him."""
    from django.db import OperationalError, connections

    from prewatt.core.clock import SystemClock
    from prewatt.core.money import Money
    from prewatt.office.customers.models import AgreementMeter
    from prewatt.office.operators.models import Operator
    from prewatt.office.vending.models import Counter
    from prewatt.office.vending.services import sell

    clock = SystemClock()
    by, counter = Operator.objects.get(), Counter.objects.get(prefix=f"T{number}")
    mine = AgreementMeter.objects.filter(meter__line__name=f"line {number}").select_related("agreement", "meter")
    units, run_id = cycle(list(mine)), time.time_ns()
    sold, longest = 0, 0.0
    start.wait()
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        unit = next(units)
        while True:
            try:
                sell(
                    key=f"{number}-{run_id}-{sold}", agreement=unit.agreement, meter=unit.meter, amount=Money(1_00),
                    method="cash", counter=counter, by=by, at=clock.now(), confirmed_duplicate=True,
                )  # fmt: skip
                break
            except OperationalError:  # could not serialize, or locked for too long: try again
                continue
        sold += 1
        longest = max(longest, time.perf_counter() - begin)
    results.append((sold, longest))
    connections.close_all()


def clients(process: int, seconds: float, start: Any, results: Any) -> None:
    """The clients of one process."""
    mine: list[tuple[int, float]] = []
    threads = [
        threading.Thread(target=client, args=(process * THREADS + place, seconds, start, mine))
        for place in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(mine)


def sell_all(seconds: float) -> dict[str, float]:
    """All clients at once: sales a second, and the longest anybody waited."""
    context = multiprocessing.get_context("fork")  # no connection is open yet
    start, results = context.Barrier(PROCESSES * THREADS), context.Queue()
    processes = [context.Process(target=clients, args=(place, seconds, start, results)) for place in range(PROCESSES)]
    for process in processes:
        process.start()
    found = [one for _ in processes for one in results.get()]
    for process in processes:
        process.join()
    assert len(found) == PROCESSES * THREADS
    return {"rate": sum(sold for sold, _ in found) / seconds, "longest": max(longest for _, longest in found)}


if __name__ == "__main__":
    use(sys.argv[2])
    if sys.argv[1] == "make":
        make()
        print("{}")
    else:
        print(json.dumps(sell_all(float(sys.argv[3]))))
