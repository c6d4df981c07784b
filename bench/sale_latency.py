"""sale-latency: from the cashier's click to the meter's proof, over 8 lines at 9600 baud, polled without pause."""

from __future__ import annotations

import os
import time
from collections import deque
from datetime import UTC, datetime

from bench import building

Figure = tuple[str, object, str, str, bool | None, str]
FULL, SHORT = 320, 80


def figures() -> list[Figure]:
    """95th and 99th percentile in seconds of sales made one after another at moments that fall anywhere in a sweep."""
    wanted = SHORT if os.environ.get("PREWATT_BENCH_SHORT") else FULL
    with building.running() as house:
        read = building.wait_until_read(house)
        building.use_django(house)
        seconds = sorted(_sell(wanted, house))
    p50, p95, p99 = (seconds[min(len(seconds) - 1, int(len(seconds) * share))] for share in (0.5, 0.95, 0.99))
    detail = f"p50 {p50:.2f} s, worst {seconds[-1]:.2f} s, {len(seconds)} sales on 8 lines, {read} meters polled"
    return [
        ("sale-latency-p95", round(p95, 2), "s", "<= 2", p95 <= 2, detail),
        ("sale-latency-p99", round(p99, 2), "s", "<= 3", p99 <= 3, detail),
    ]


def _sell(wanted: int, house: building.Building) -> list[float]:
    """Keep one sale under way on every line; the clock runs from before ``sell`` to the proof's commit."""
    from prewatt.core.money import Money
    from prewatt.main.home import Home
    from prewatt.main.poke import poke
    from prewatt.office.customers.models import AgreementMeter
    from prewatt.office.operators.models import Operator
    from prewatt.office.vending.models import Counter, CreditOrder
    from prewatt.office.vending.services import sell

    operator = Operator.objects.get(username="admin")
    counter = Counter.objects.order_by("pk").first()
    bindings = AgreementMeter.objects.filter(unbound_at=None, meter__state__contact="ok")
    by_line: dict[int, deque[AgreementMeter]] = {}
    for binding in bindings.select_related("agreement", "meter").order_by("meter__address"):
        by_line.setdefault(binding.meter.line_id, deque()).append(binding)
    under_way: dict[int, tuple[int, float, datetime]] = {}
    seconds: list[float] = []
    deadline = time.monotonic() + 600
    made = 0
    while len(seconds) < wanted and time.monotonic() < deadline:
        for line, waiting in by_line.items():
            if line in under_way or made >= wanted:
                continue
            binding = waiting[0]
            waiting.rotate(-1)
            began, at = time.monotonic(), datetime.now(UTC)
            order = sell(
                key=f"bench-{made}", agreement=binding.agreement, meter=binding.meter, amount=Money(10_00),
                method="cash", counter=counter, by=operator, at=at, confirmed_duplicate=True,
            )  # fmt: skip
            poke(Home(house.home))
            under_way[line] = (order.pk, began, at)
            made += 1
        settled = dict(
            CreditOrder.objects.filter(pk__in=[pk for pk, _, _ in under_way.values()], state="delivered").values_list(
                "pk", "settled_at"
            )
        )
        for line, (pk, _, at) in list(under_way.items()):
            if pk in settled:
                seconds.append((settled[pk] - at).total_seconds())
                del under_way[line]
        time.sleep(0.02)
    if len(seconds) < wanted:
        raise RuntimeError(f"only {len(seconds)} of {wanted} sales were proven in ten minutes")
    return seconds
