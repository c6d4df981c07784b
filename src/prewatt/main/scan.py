"""``prewatt scan``: which addresses of a line answer, at which speed, and what they are; carried by the head-end."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prewatt.core.errors import Refusal
from prewatt.main import bootstrap
from prewatt.main.home import Home
from prewatt.main.poke import poke

if TYPE_CHECKING:
    from prewatt.office.controls.models import ControlOrder
    from prewatt.office.estate.models import Line

LOOK_EVERY_S = 0.5
CARRIED_WITHIN_S = 30.0  # wall: a head-end that runs looks every second
SETTING = "a speed such as 9600N or 4800E"


def main(argv: list[str]) -> int:
    """Scan a line and print what answers; 1 when the scan did not come to its end."""
    options = parse(argv)
    home = Home.find()
    if not home.exists():
        raise Refusal("no-home", "There is no system at %(path)s yet. Start one with ./run.", path=home.path)
    if options.rows is not None and options.rows.exists():
        raise Refusal("file-exists", "%(file)s exists already. Choose another name.", file=options.rows)
    bootstrap.use(home)
    order = begin(home, options)
    try:
        order = follow(order, home, _say if not options.json else lambda _text: None)
    except KeyboardInterrupt:
        cancel(order, home)
        raise
    found = report(order)
    print(json.dumps(found, ensure_ascii=False) if options.json else in_words(found))
    if options.rows is not None:
        write_rows(order, options.rows)
    return 0 if found["ok"] else 1


def parse(argv: list[str]) -> argparse.Namespace:
    """What to scan, checked as far as it can be without a system."""
    parser = argparse.ArgumentParser(
        prog="./run scan", description="Ask every address of a line who is there. Nothing is written to any meter."
    )
    parser.add_argument("line", metavar="LINE", help="name of the line, as the estate has it")
    parser.add_argument("--from", dest="first", type=int, default=1, metavar="N", help="first address (1)")
    parser.add_argument("--to", dest="last", type=int, default=247, metavar="N", help="last address (247)")
    parser.add_argument(
        "--settings", type=_settings, default=[], metavar="9600N,4800E",
        help="speeds and parities to try; only at a serial port (the line's own)",
    )  # fmt: skip
    parser.add_argument("--rows", type=Path, metavar="FILE.xlsx", help="write what answered as rows for ./run import")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def _settings(text: str) -> list[tuple[int, str]]:
    pairs = [(part.strip()[:-1], part.strip()[-1:].upper()) for part in text.split(",") if part.strip()]
    if not pairs or any(not baud.isdecimal() or parity not in {"N", "E", "O"} for baud, parity in pairs):
        raise argparse.ArgumentTypeError(f"write {SETTING}, several with commas")
    return [(int(baud), parity) for baud, parity in pairs]


def begin(home: Home, options: argparse.Namespace) -> ControlOrder:
    """Ask for the scan. Raises Refusal."""
    from prewatt.office.controls.line_services import request_scan

    order = request_scan(
        line=line_of(options.line), first=options.first, last=options.last, settings=options.settings,
        key=secrets.token_hex(16), by=None, at=home.clock().now(),
    )  # fmt: skip
    poke(home)
    return order


def line_of(name: str) -> Line:
    """The line in use of that name. Raises Refusal that names those there are."""
    from prewatt.office.estate.models import Line

    lines = Line.objects.filter(retired_at__isnull=True)
    found = lines.filter(name=name).select_related("gateway").first()
    if found is None:
        names = ", ".join(lines.order_by("name").values_list("name", flat=True)[:20]) or "none yet"
        raise Refusal("no-line", "There is no line %(name)s. Lines: %(names)s", name=name, names=names)
    return found


def follow(order: ControlOrder, home: Home, say: Callable[[str], None]) -> ControlOrder:
    """Wait for the end of a scan, telling how far it is. Raises Refusal when nobody carries it."""
    from prewatt.office.controls.line_services import OPEN
    from prewatt.office.controls.models import ControlState

    began, told = time.monotonic(), -1
    while order.state in OPEN:
        if order.state == ControlState.WAITING and time.monotonic() - began > CARRIED_WITHIN_S:
            cancel(order, home)
            raise Refusal("no-head-end", "Nobody carries the scan: the head-end of this system does not run.")
        if order.asked != told:
            told = order.asked
            say(f"{told} of {order.total}, {order.results.count()} answered")
        time.sleep(LOOK_EVERY_S)
        order.refresh_from_db()
    return order


def cancel(order: ControlOrder, home: Home) -> None:
    """Stop it."""
    from prewatt.office.controls.line_services import cancel_scan

    cancel_scan(order=order, by=None, at=home.clock().now())


def report(order: ControlOrder) -> dict[str, Any]:
    """What was found, as one JSON object."""
    from prewatt.office.controls import scanned
    from prewatt.office.controls.models import ControlState

    assert order.line is not None
    rows = [
        {
            "address": row.address or None, "match": row.match.value, "baud": row.baud, "parity": row.parity,
            "profile": row.profile or None, "candidates": [one for one in row.candidates.split(", ") if one],
            "model_code": row.model_code, "serial": row.serial or None, "meter": row.meter.name if row.meter else None,
        }
        for row in scanned.rows(order)
    ]  # fmt: skip
    return {
        "ok": order.state == ControlState.DONE, "line": order.line.name, "asked": order.asked, "total": order.total,
        "reason": order.reason, "devices": rows,
    }  # fmt: skip


def in_words(found: dict[str, Any]) -> str:
    """The result for a person at a terminal."""
    lines = [_words_of(row) for row in found["devices"]]
    answered = sum(row["match"] != "silent" for row in found["devices"])
    end = "finished" if found["ok"] else f"ended early ({found['reason']})"
    return "\n".join([*lines, f"{end}: {found['asked']} of {found['total']} asked, {answered} answered"])


def _words_of(row: dict[str, Any]) -> str:
    address = f"{row['address'] or '-':>4}"
    if row["match"] == "silent":
        return f"{address}  does not answer: {row['meter']}"
    model = row["profile"] or " or ".join(row["candidates"]) or "unknown model"
    entered = {"known": row["meter"], "new": "new", "other": f"entered as {row['meter']}"}[row["match"]]
    return f"{address}  {row['baud']} 8{row['parity']}1  {model:<22} {row['serial'] or '':<14} {entered}"


def write_rows(order: ControlOrder, file: Path) -> None:
    """Write the devices that answered as rows of the import. Raises Refusal."""
    from prewatt.office.controls import scanned

    data = scanned.import_rows(order)
    try:
        with file.open("xb") as target:
            target.write(data)
    except OSError as error:
        raise Refusal("file-not-writable", "Cannot write %(file)s: %(why)s", file=file, why=error.strerror) from error
    print(file, file=sys.stderr)


def _say(text: str) -> None:
    """A line that is written over at a terminal, and one after the other elsewhere."""
    end = "\r" if sys.stderr.isatty() else os.linesep
    print(f"{text}   ", end=end, file=sys.stderr, flush=True)
