"""``python -m tests.storm --from 0 --count 10000``: many schedules, resumable, until the first that fails.

Each process runs every ``--every``-th seed, so several share a machine. With ``--resume FILE`` the next seed is kept
there and a broken run goes on where it was. The first failing seed is printed with its trace; exit status 1.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from tests.storm.setup import prepare

TOLD_EVERY = 250
SHOWN = ("delivered", "queued", "refused", "quarantine", "cancelled", "fault", "happening", "head", "crash", "meter")


def arguments(argv: list[str]) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0, help="first seed")
    parser.add_argument("--count", type=int, default=500, help="how many seeds")
    parser.add_argument("--every", type=int, default=1, help="take only every n-th seed")
    parser.add_argument("--resume", type=Path, help="file that keeps the next seed")
    parser.add_argument("--digest", action="store_true", help="print the trace's digest of each seed")
    parser.add_argument("--trace", action="store_true", help="print the trace of each seed")
    parser.add_argument("--mutant", help="run a mutant of the code, to see how soon the storm finds it")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failing seed")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Run them."""
    given = arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and leave no files behind
    prepare()
    from tests.storm.arena import Arena
    from tests.storm.mutants import mutant

    arena = Arena()
    try:
        with mutant(given.mutant, arena):
            return storm(arena, given)
    finally:
        arena.close()


def storm(arena: object, given: argparse.Namespace) -> int:
    """Seed after seed."""
    from tests.storm.run import Result, run_seed

    first, end = given.first, given.first + given.count
    if given.resume and given.resume.exists():
        first = int(given.resume.read_text())
    totals: Counter[str] = Counter()
    failed = done = fen = 0
    began = time.monotonic()
    for seed in range(first, end, given.every):
        result: Result = run_seed(arena, seed)  # type: ignore[arg-type]
        done += 1
        totals += result.verdict.counts
        fen += result.verdict.fen
        if given.digest:
            print(seed, result.digest)
        if given.trace:
            print("\n".join(result.trace))
        if not result.good:
            failed += 1
            tell(result, whole=not given.keep_going)
            if not given.keep_going:
                break
        if given.resume:
            given.resume.write_text(f"{seed + given.every}\n")
        if done % TOLD_EVERY == 0:
            print(f"{done} schedules, {failed} failed, {(time.monotonic() - began) / done:.3f} s each", file=sys.stderr)
    if not given.digest:
        shown = ", ".join(f"{totals[name]} {name}" for name in SHOWN)
        print(f"{done} schedules from {first}: {failed} failed, {fen} fen lost or doubled ({shown})")
    return 1 if failed else 0


def tell(result: object, *, whole: bool) -> None:
    """A schedule that failed."""
    from tests.storm.run import Result

    assert isinstance(result, Result)
    if whole:
        print("\n".join(result.trace))
        print(result.schedule)
    print(f"seed {result.schedule.seed} failed:")
    for finding in result.verdict.findings:
        print(f"  {finding}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
