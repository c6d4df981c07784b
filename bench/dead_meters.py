"""dead-meters: the round of a 32-meter line with 4 dead meters, and what the other lines notice of it.

In virtual time over lines in memory, 9600 baud, turnaround 30 to 300 ms from a seed: the schedule is what is measured.
"""

from __future__ import annotations

import asyncio

import structlog

from tests.field.headend.house import House

Figure = tuple[str, float, str, str, bool | None, str]

METERS, DEAD = 32, (4, 11, 19, 30)
SECONDS = 400
TIMEOUT_S = 1 + (8 + 101) * 10 / 9600


def _ages(house: House, line: int) -> list[int]:
    """How long a living meter of that line waited for its next poll, in ms."""
    last: dict[int, int] = {}
    ages: list[int] = []
    for row in house.store.readings:
        if row.meter_id // 100 == line:
            if row.meter_id in last and row.at_ms > last[row.meter_id]:
                ages.append(row.at_ms - last[row.meter_id])
            last[row.meter_id] = row.at_ms
    return sorted(ages[len(ages) // 4 :])


def _run(dead: bool) -> tuple[float, float, float]:
    """Longest round of the line with dead meters, in seconds; p95 of waits on it and on the other line."""
    house = House([METERS, METERS], seed=11)
    for unit in DEAD:
        house.meters[100 + unit].dead = dead

    async def story(_: House) -> None:
        await asyncio.sleep(SECONDS)

    house.live(story)
    rounds = [counters.round_ms for counters in house.store.counters if counters.line_id == 1][3:]
    waits = [ages[len(ages) * 95 // 100] / 1000 for ages in (_ages(house, 1), _ages(house, 2))]
    return max(rounds) / 1000, waits[0], waits[1]


def figures() -> list[Figure]:
    """The round, and the other line's p95 with and without."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    healthy, _, other_before = _run(dead=False)
    with_dead, waited, other_after = _run(dead=True)
    limit = healthy + len(DEAD) * TIMEOUT_S
    worse = 100 * (other_after / other_before - 1)
    detail = f"healthy round {healthy:.1f} s; p95 wait of its living meters {waited:.1f} s"
    return [
        ("dead-meters", round(with_dead, 2), "s", f"<= {limit:.2f}", with_dead <= limit, detail),
        ("dead-meters-other-lines", round(worse, 1), "%", "<= 10", worse <= 10,
         f"p95 {other_before:.2f} s before, {other_after:.2f} s after"),
    ]  # fmt: skip


if __name__ == "__main__":
    for figure in figures():
        print(*figure)
