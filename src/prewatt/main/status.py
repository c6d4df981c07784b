"""``prewatt status``: each unit as the console shows it, for a person or for a script."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prewatt.core.energy import kwh
from prewatt.core.money import Money
from prewatt.main import bootstrap
from prewatt.main.home import Home

if TYPE_CHECKING:
    from prewatt.office.readings.selectors import Tile


MIN_WIDTH = 140  # a narrower table breaks its words; a terminal wraps the line better


def main(argv: list[str]) -> int:
    """Print the state of every meter and gateway."""
    parser = argparse.ArgumentParser(prog="./run status", description="Each unit as the console shows it.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    home = Home.find()
    bootstrap.use_made(home)
    found = report(at=home.clock().now())
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        show(found)
    return 0


def report(*, at: datetime) -> dict[str, Any]:
    """The state of the whole site as the JSON of the contract. A purse of energy has ``credit_wh`` instead of fen."""
    from prewatt.office.readings import selectors

    return {
        "at": at.isoformat(),
        "meters": [_meter(tile) for tile in selectors.status()],
        "gateways": [
            {"name": gateway.name, "contact": gateway.contact.value, "since": _iso(gateway.since)}
            for gateway in selectors.gateway_contacts(None)
        ],
    }


def _meter(tile: Tile) -> dict[str, Any]:
    in_energy = tile.purse == "energy"
    return {
        "unit": tile.unit,
        "customer": tile.customer,
        "meter": tile.meter,
        "serial": tile.serial,
        "profile": tile.profile,
        "state": tile.state.value,
        "credit_fen": None if in_energy else tile.credit,
        **({"credit_wh": tile.credit} if in_energy else {}),
        "energy_wh": tile.energy_wh,
        "power_w": tile.power_w,
        "purchase_number": tile.purchase_number,
        "contactor": tile.contactor.value,
        "mode": tile.mode.value,
        "contact": tile.contact.value,
        "read_at": _iso(tile.read_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def show(found: dict[str, Any]) -> None:
    """A table for a person at a terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("unit", "customer", "meter", "state", "credit", "kWh", "W", "contactor", "mode", "contact", box=None)
    for column in (4, 5, 6):
        table.columns[column].justify = "right"
    for meter in found["meters"]:
        table.add_row(*map(escape, _cells(meter)))
    console = Console()
    console.width = max(console.width, MIN_WIDTH)
    console.print(table)
    for gateway in found["gateways"]:
        console.print(f"gateway {gateway['name']}: {gateway['contact']}", highlight=False, markup=False)


def _cells(meter: dict[str, Any]) -> list[str]:
    if meter["credit_fen"] is not None:
        credit = str(Money(meter["credit_fen"]))
    else:
        credit = f"{kwh(meter['credit_wh'])} kWh" if meter.get("credit_wh") is not None else ""
    energy = kwh(meter["energy_wh"]) if meter["energy_wh"] is not None else ""
    power = str(meter["power_w"]) if meter["power_w"] is not None else ""
    names = [meter["unit"], meter["customer"], meter["meter"], meter["state"]]
    return [*names, credit, energy, power, meter["contactor"], meter["mode"], meter["contact"]]
