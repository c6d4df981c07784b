"""``prewatt ups``: tells the system that the mains failed or are back: by hand, by a script, or following upsc."""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable

from prewatt.core.errors import Refusal
from prewatt.main import bootstrap
from prewatt.main.home import Home
from prewatt.main.poke import poke

LOOK_EVERY_S = 5.0
UPSC_WITHIN_S = 10.0
# of NUT's ups.status: on line, on battery, battery low, forced shutdown
MAINS, ON_BATTERY = "OL", frozenset({"OB", "LB", "FSD"})
Ask = Callable[[str], str]  # a UPS's name to what upsc prints about it; raises OSError


def main(argv: list[str]) -> int:
    """Set the signal once, or follow a UPS until stopped."""
    parser = argparse.ArgumentParser(prog="./run ups", description="The mains failed (on), or are back (off).")
    parser.add_argument("deed", choices=("on", "off", "watch"))
    parser.add_argument("ups", nargs="?", default="", help="with watch: the UPS as NUT calls it, such as ups@localhost")
    options = parser.parse_args(argv)
    home = Home.find()
    bootstrap.use(home)
    if options.deed == "watch":
        if not options.ups:
            raise Refusal("no-ups", "Say which UPS to watch, such as ups@localhost.")
        return watch(home, options.ups, ask_upsc)
    changed = tell(home, on=options.deed == "on", source="./run ups")
    print(_words(options.deed == "on") if changed else "nothing changed: that was known already")
    return 0


def tell(home: Home, *, on: bool, source: str) -> bool:
    """Write the signal down; whether it is news."""
    from django.db import close_old_connections

    from prewatt.office.estate.power import set_battery

    close_old_connections()
    changed = set_battery(on=on, by=None, at=home.clock().now(), source=source)
    if changed:
        poke(home)
    return changed


def watch(home: Home, ups: str, ask: Ask, *, rounds: int | None = None, pause_s: float = LOOK_EVERY_S) -> int:
    """Follow a UPS. What it does not say changes nothing: a lost cable is not a power cut."""
    said = ""
    while rounds is None or rounds > 0:
        try:
            found = battery(ask(ups))
        except (OSError, subprocess.SubprocessError) as error:
            found = None
            if said != str(error):
                said = str(error)
                print(f"{ups}: {error}")
        if found is not None and tell(home, on=found, source=f"NUT {ups}"):
            print(_words(found))
        if rounds is not None:
            rounds -= 1
        if rounds != 0:
            time.sleep(pause_s)
    return 0


def battery(printed: str) -> bool | None:
    """Whether upsc's words say that the battery carries the load; None when they do not say."""
    for line in printed.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "ups.status":
            words = set(value.split())
            if words & ON_BATTERY:
                return True
            return False if MAINS in words else None
    return None


def ask_upsc(ups: str) -> str:
    """What NUT's upsc prints. Raises OSError, subprocess.SubprocessError."""
    found = subprocess.run(["upsc", ups], capture_output=True, text=True, timeout=UPSC_WITHIN_S, check=True)
    return found.stdout


def _words(on: bool) -> str:
    return "on battery: no credit is armed, open attempts finish" if on else "mains are back: credit is armed again"
