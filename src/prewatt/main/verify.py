"""``prewatt verify``: every invariant of money, the guards, and the hash chain. Exit 0 only when all hold."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import Any

from prewatt.main import bootstrap
from prewatt.main.home import Home

SHOWN = 20  # findings a person reads before looking at --json


def main(argv: list[str]) -> int:
    """Check the books of a home."""
    parser = argparse.ArgumentParser(prog="./run verify", description="Check the ledger's invariants and hash chain.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    home = Home.find()
    bootstrap.use_made(home)
    found = report(at=home.clock().now())
    print(json.dumps(found, ensure_ascii=False) if options.json else in_words(found))
    return 0 if found["ok"] else 1


def report(*, at: datetime) -> dict[str, Any]:
    """Every check with what breaks it, and the state of the chain."""
    from prewatt.main import books
    from prewatt.office.operators import chain
    from prewatt.office.vending.invariants import INVARIANTS

    checks: list[dict[str, Any]] = [
        {"name": name, "about": (rule.__doc__ or "").partition(": ")[2].strip(), "broken": list(rule())}
        for name, rule in INVARIANTS.items()
    ]
    guards = {
        "name": "guards",
        "about": "append-only tables are guarded by the database",
        "broken": [f"the guard {name} is missing" for name in books.missing_guards()],
    }
    checks.append(guards)
    for check in checks:
        check["ok"] = not check["broken"]
    first = chain.verify(books.SEALED)
    state = chain.state(books.SEALED)
    bad = {"seq": first.seq, "table": first.table, "row": first.row, "why": first.why} if first else None
    return {
        "ok": all(check["ok"] for check in checks) and first is None,
        "at": at.isoformat(),
        "checks": checks,
        "chain": {
            "ok": first is None,
            "head": state.head,
            "sealed": state.sealed,
            "unsealed": state.unsealed,
            "first_bad": bad,
        },
    }


def in_words(found: dict[str, Any]) -> str:
    """The report as lines."""
    lines = []
    for check in found["checks"]:
        lines.append(f"{'ok    ' if check['ok'] else 'BROKEN'} {check['name']:<7}{check['about']}")
        lines += [f"         {finding}" for finding in check["broken"][:SHOWN]]
        if len(check["broken"]) > SHOWN:
            lines.append(f"         and {len(check['broken']) - SHOWN} more; --json lists all")
    chain = found["chain"]
    state = f"{chain['sealed']} rows sealed, {chain['unsealed']} wait for their seal, head {chain['head']}"
    lines.append(f"{'ok    ' if chain['ok'] else 'BROKEN'} chain  {state}")
    if chain["first_bad"]:
        bad = chain["first_bad"]
        lines.append(f"         first bad row: {bad['table']} {bad['row']} ({bad['why']}, seal {bad['seq']})")
    return "\n".join(lines)
