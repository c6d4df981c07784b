"""``ingest``: readings stored with the latest state, through the project's own path, against Django's bulk_create.

Each database gets a process and a home of its own. Both sides write batches of the same shape by turns into the same
tables: one stored reading for each of 5,000 meters, decoded from the same packed rows, in one durable commit.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Figure = tuple[str, float, str, str, bool, str]
ROOT = Path(__file__).resolve().parent.parent
METERS = 5_000
ROUNDS = 3 if os.environ.get("PREWATT_BENCH_SHORT") else 7
TARGETS = {"sqlite": 15.0, "postgresql": 12.0}


def figures() -> list[Figure]:
    """Ratio on both databases."""
    from tests import postgres

    with tempfile.TemporaryDirectory(prefix="pw-") as folder:
        found = [measure("sqlite", Path(folder, "s"), None)]
        with postgres.server() as url:
            found.append(measure("postgresql", Path(folder, "p"), url))
    return found


def measure(vendor: str, home: Path, url: str | None) -> Figure:
    """One database's figure, from a process of its own."""
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREWATT_")}
    environment = kept | {"PREWATT_HOME": str(home), "DJANGO_SETTINGS_MODULE": "prewatt.main.settings"}
    if url:
        environment["PREWATT_DATABASE_URL"] = url
    done = subprocess.run(
        [sys.executable, "-m", "bench.ingest", str(ROUNDS)],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    pairs: list[tuple[float, float]] = json.loads(done.stdout)
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    rate = METERS / statistics.median(ours for ours, _theirs in pairs)
    target = TARGETS[vendor]
    detail = f"{rate:,.0f} readings/s with latest state, median of {len(pairs)} by turns"
    return (f"ingest-{vendor}", round(ratio, 1), "x", f">= {target:.0f}", ratio >= target, detail)


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def batch(meters: list[int], at_ms: int) -> bytes:
    """A stored reading for each meter."""
    from prewatt.meters.row import EMPTY_ROW, ROW

    common = EMPTY_ROW._replace(
        at_ms=at_ms, store=1, sharp_wh=1, peak_wh=2, flat_wh=3, valley_wh=4, credit=12_345, total_purchased=99_999,
        purchase_number=7, power_w=at_ms % 4_000, voltage_a=2_201, current_a=512, power_factor=998, contactor=1,
        flags=32, meter_clock=at_ms // 1000,
    )  # fmt: skip
    return b"".join(ROW.pack(*common._replace(meter_id=pk, energy_wh=at_ms // 1000 % 10**8)) for pk in meters)


def with_bulk_create(rows: bytes) -> None:
    """The same work as a Django project would do it: model instances, two bulk inserts, one commit."""
    from datetime import UTC, datetime

    from django.db import transaction

    from prewatt.meters.row import ABSENT, ROW, ReadingRow
    from prewatt.office.readings import ingest
    from prewatt.office.readings.models import MeterState, Reading

    readings, states = [], []
    for values in ROW.iter_unpack(rows):
        row = ReadingRow._make(None if value == ABSENT else value for value in values)
        at = datetime.fromtimestamp(row.at_ms / 1000, UTC)
        stored = {name: getattr(row, name) for name in ingest._READING}
        latest = {name: getattr(row, name) for name in ingest._STATE}
        readings.append(Reading(meter_id=row.meter_id, ts=row.at_ms // 1000, **stored))
        states.append(MeterState(meter_id=row.meter_id, version=1, at=at, last_good_at=at, **latest))
    with transaction.atomic():
        Reading.objects.bulk_create(readings, ignore_conflicts=True)
        MeterState.objects.bulk_create(
            states,
            update_conflicts=True,
            unique_fields=["meter"],
            update_fields=["version", "at", "last_good_at", *ingest._STATE],
        )


def many_meters() -> list[int]:
    """A building large enough: its meters' keys."""
    from prewatt.office.estate.models import Gateway, Line, Meter

    gateway = Gateway.objects.create(name="bench", kind="transparent", host="127.0.0.1", port=1)
    lines = [Line(name=f"line {number}", gateway=gateway, channel=number) for number in range(METERS // 25 + 1)]
    Line.objects.bulk_create(lines)
    placed = ((lines[number // 25], number % 25 + 1, number) for number in range(METERS))
    Meter.objects.bulk_create(
        Meter(name=f"meter {number}", line=line, address=address, profile="acrel-ddsy1352-nk")
        for line, address, number in placed
    )
    return list(Meter.objects.order_by("pk").values_list("pk", flat=True))


def main(rounds: int) -> list[tuple[float, float]]:
    """Seconds of both sides, by turns."""
    import django

    django.setup()
    from django.core.management import call_command

    from prewatt.office.readings.ingest import ingest
    from prewatt.office.readings.models import Reading

    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    meters = many_meters()
    begin = 1_795_395_600_000
    pairs: list[tuple[float, float]] = []
    for number in range(rounds + 1):  # the first one warms both up
        ours, theirs = (batch(meters, begin + (2 * number + side) * 1_800_000) for side in (0, 1))
        pairs.append(
            (seconds(lambda rows=ours: ingest(rows=rows)), seconds(lambda rows=theirs: with_bulk_create(rows)))
        )  # type: ignore[misc]
    assert Reading.objects.count() == METERS * 2 * (rounds + 1)
    return pairs[1:]


if __name__ == "__main__":
    result: Any = main(int(sys.argv[1]))
    print(json.dumps(result))
