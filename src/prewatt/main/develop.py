"""Verbs of a developer and of CI: test, lint, types, bench, docs, messages. They need a checkout."""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from prewatt.core.errors import Refusal
from prewatt.main.home import root

BENCHES = (
    "decode",
    "poll_cpu",
    "poll_cpu_secure",
    "wire",
    "many_lines",
    "dead_meters",
    "ingest",
    "sales",
    "end_to_end",
    "sale_latency",
    "fleet_fresh",
    "attribution",
    "frame_fuzz",
    "storm",
    "records",
    "start",
)
NAMED_APART = {"fleet_memory": "many_lines"}  # figures that do not begin with the name of their module


USAGE = {
    "test": """[--with-tools] [pytest arguments]

All tests on SQLite, then those that use the database on PostgreSQL. Paths and options go to pytest.
  --with-tools  only what needs a foreign program (mbpoll, a browser), failing where one is missing""",
    "lint": "[pytest arguments]\n\nStyle, formatting, import contracts and the tidy test.",
    "types": "[mypy arguments]\n\nStrict type check.",
    "bench": f"""[--json] [--short] [NAME ...]

Measure the figures: NAME value unit target verdict. All when none is named.
  --json   print a list of objects
  --short  fewer samples, as CI takes
NAME is one of {", ".join(name.replace("_", "-") for name in BENCHES)}, or a figure of theirs.""",
    "docs": "[sphinx arguments]\n\nBuild the manual as HTML under docs/_build.",
    "messages": "[pytest arguments]\n\nList user texts without a Chinese translation.",
}

CORRECTNESS = {"storm", "attribution", "frame-fuzz"}  # what a bench may fail on; a missed time is only told


def main(argv: list[str]) -> int:
    """Run the verb that is the first argument."""
    if not (root() / "tests").is_dir():
        raise Refusal(
            "no-checkout", "This verb needs a checkout of the project: run it as ./run %(verb)s.", verb=argv[0]
        )
    verbs: dict[str, Callable[[list[str]], int]] = {
        "test": test,
        "lint": lint,
        "types": types,
        "bench": bench,
        "docs": docs,
        "messages": messages,
    }
    if argv[1:] in (["--help"], ["-h"]):
        print(f"usage: ./run {argv[0]} {USAGE[argv[0]]}")
        return 0
    return verbs[argv[0]](argv[1:])


def call(*command: str, **environment: str) -> int:
    """Run a tool of the environment in the checkout, with its output shown."""
    return subprocess.call(
        [sys.executable, "-m", *command], cwd=root(), env=os.environ | environment, stdin=subprocess.DEVNULL
    )


def test(argv: list[str]) -> int:
    """All tests on SQLite, then those that use the database on PostgreSQL. Arguments go to pytest.

    ``--with-tools`` runs only what needs a foreign program (mbpoll, a browser) and fails where one is missing.
    """
    from tests import postgres

    if "--with-tools" in argv:
        rest = [word for word in argv if word != "--with-tools"]
        return call("pytest", "-m", "tools", "-rs", *rest, CI="1")
    parallel = [] if any(word.startswith("-n") for word in argv) else ["-n", str(min(os.cpu_count() or 1, 4))]
    print("== on SQLite", flush=True)
    first = call("pytest", "-rs", *parallel, *argv)
    print("== on PostgreSQL: what uses the database", flush=True)
    with postgres.server() as url:
        second = call("pytest", *parallel, *argv, PREWATT_TEST_PG=url)
    # 5: no test was selected, as for ./run test tests/core on PostgreSQL
    statuses = [status for status in (first, second) if status != 5]
    return max(statuses) if statuses else 5


def lint(argv: list[str]) -> int:
    """Style, formatting, import contracts and the tidy test."""
    statuses = [
        call("ruff", "check", "."),
        call("ruff", "format", "--check", "."),
        subprocess.call([str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=root()),
        call("pytest", "-p", "no:xdist", "tests/test_tidy.py", *argv),
    ]
    return max(statuses)


def types(argv: list[str]) -> int:
    """Mypy --strict over the source."""
    return call("mypy", *argv)


def docs(argv: list[str]) -> int:
    """The manual as HTML under docs/_build."""
    return call("sphinx", "-W", "-q", "-b", "html", "docs", "docs/_build/html", *argv)


def messages(argv: list[str]) -> int:
    """List user texts without a Chinese translation."""
    return call("pytest", "-p", "no:xdist", "tests/test_messages.py", *argv)


def bench(argv: list[str]) -> int:
    """Print each figure as ``NAME value unit target verdict``. A missed figure never fails; a broken bench does.

    ``--short`` takes fewer samples, as CI does; ``--json`` prints a list.
    """
    sys.path.insert(0, str(root()))
    if "--short" in argv:
        os.environ["PREWATT_BENCH_SHORT"] = "1"
    names = [word.replace("-", "_") for word in argv if not word.startswith("--")]
    rows: list[dict[str, object]] = []
    status = 0
    for module_name in _modules(names):
        try:
            module = importlib.import_module(f"bench.{module_name}")
            figures = module.figures()
        except Exception as error:  # a bench that breaks is said, and the others still run
            print(f"{module_name.replace('_', '-')} - - - broken: {error!r}", file=sys.stderr, flush=True)
            status = 1
            continue
        for name, value, unit, target, ok, detail in figures:
            if names and module_name not in names and name.replace("-", "_") not in names:
                continue
            if ok is False and (name in CORRECTNESS or name.startswith("records-")):
                status = 1
            rows.append({"name": name, "value": value, "unit": unit, "target": target, "ok": ok, "detail": detail})
            if "--json" not in argv:
                verdict = "skipped" if ok is None else "ok" if ok else "missed"
                print(f"{name} {value} {unit} {target} {verdict}  {detail}".rstrip(), flush=True)
    if "--json" in argv:
        print(json.dumps(rows, ensure_ascii=False))
    return status


def _modules(names: Sequence[str]) -> list[str]:
    """Which bench modules hold the named figures: all when none is named."""
    if not names:
        return list(BENCHES)
    names = [NAMED_APART.get(name, name) for name in names]
    chosen = [module for module in BENCHES if module in names or any(name.startswith(module) for name in names)]
    unknown = [name for name in names if not any(name == m or name.startswith(m) for m in BENCHES)]
    if unknown:
        known = ", ".join(module.replace("_", "-") for module in BENCHES)
        raise Refusal("no-bench", "There is no figure '%(name)s'. Known: %(known)s", name=unknown[0], known=known)
    return chosen


def median(values: Sequence[float]) -> float:
    """Median of repeated measurements: what a figure quotes."""
    return statistics.median(values)
