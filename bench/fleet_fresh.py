"""fleet-fresh: age of the oldest state of any living meter, demo building, four dead meters a line, a batch running."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

from bench import building

Figure = tuple[str, object, str, str, bool | None, str]
DEAD_A_LINE = 4


def figures() -> list[Figure]:
    """The worst age in seconds over a minute of observation, after the dead ones were found."""
    minutes = 0.25 if os.environ.get("PREWATT_BENCH_SHORT") else 2.0
    with building.running() as house:
        building.wait_until_read(house)
        building.use_django(house)
        dead = _kill_some(house)
        worst, batches = _watch(dead, minutes * 60, house)
    detail = f"{len(dead)} dead meters, {batches} read-now orders meanwhile, {minutes:g} min watched"
    return [("fleet-fresh", round(worst, 1), "s", "<= 15", worst <= 15, detail)]


def _kill_some(house: building.Building) -> set[str]:
    from prewatt.field.simulator.client import SimulatorClient
    from prewatt.office.estate.models import Line

    simulator = SimulatorClient(house.home / "simulator.sock")
    dead: set[str] = set()
    for line in Line.objects.all():
        for serial in line.meters.order_by("address").values_list("serial", flat=True)[3 : 3 + DEAD_A_LINE]:
            simulator.fault("dead", serial, 3600)
            dead.add(serial)
    return dead


def _watch(dead: set[str], seconds: float, house: building.Building) -> tuple[float, int]:
    from prewatt.main.home import Home
    from prewatt.main.poke import poke
    from prewatt.office.controls.services import request_read_now
    from prewatt.office.operators.models import Operator
    from prewatt.office.readings.models import MeterState

    operator = Operator.objects.get(username="admin")
    living = MeterState.objects.exclude(meter__serial__in=dead).filter(contact="ok")
    meters = [state.meter for state in living.select_related("meter")[::10]]
    time.sleep(20)  # three failed rounds: the dead ones are known as dead
    began, worst, batches = time.monotonic(), 0.0, 0
    while time.monotonic() - began < seconds:
        at = datetime.now(UTC)
        oldest = living.order_by("at").values_list("at", flat=True).first()
        worst = max(worst, (at - oldest).total_seconds())
        if int(time.monotonic() - began) // 10 * len(meters) >= batches:
            request_read_now(meters=meters, key=f"bench-{batches}", by=operator, at=at)
            poke(Home(house.home))
            batches += len(meters)
        time.sleep(0.5)
    return worst, batches
