"""attribution: exchanges on a line where a fifth of the answers come late or are somebody else's; none is misfiled."""

from __future__ import annotations

import os
from random import Random

from tests.field.bus.test_machine import attribution

Figure = tuple[str, float, str, str, bool | None, str]

FULL, SHORT = 100_000, 20_000
SEED = 20


def figures() -> list[Figure]:
    """Answers filed under another meter or register than the one that sent them."""
    exchanges = SHORT if os.environ.get("PREWATT_BENCH_SHORT") else FULL
    wrong, filed = attribution(Random(SEED), exchanges=exchanges)
    detail = f"{exchanges:,} exchanges, {filed:,} answers filed"
    return [("attribution", wrong, "misfiled", "0", wrong == 0 and filed > exchanges // 2, detail)]


if __name__ == "__main__":
    for figure in figures():
        print(*figure)
