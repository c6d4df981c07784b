"""The first day of a site, led by the hand: import, lines answer, open customers, first sale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from prewatt.core.supply import Contact, UnitState
from prewatt.office.readings.selectors import Tile
from prewatt.office.vending import selectors as vending
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.base.doors import link_to


@dataclass(slots=True)
class Step:
    """A step: whether it is done, and the page where it is done."""

    title: str
    text: str
    done: bool
    act: str = ""
    address: str = ""
    next: bool = False


def steps_of(request: ConsoleRequest, tiles: Sequence[Tile]) -> list[Step]:
    """The four steps, or nothing once the building sells."""
    if tiles and vending.orders(request.user).exists():
        return []
    answer = sum(tile.contact is Contact.OK for tile in tiles)
    opened = sum(tile.state is not UnitState.NOT_OPENED for tile in tiles)
    steps = [
        Step(
            _("Import the building"),
            _("One Excel workbook brings the whole estate. A dry run shows every error first."),
            bool(tiles), _("Import workbook"), _address(request, "estate.import", "estate:import"),
        ),
        Step(
            _("Lines answer"),
            _("%(answer)d of %(all)d meters answer. A line that stays silent is shown with its gateway.")
            % {"answer": answer, "all": len(tiles)},
            answer > 0, _("Look at the lines"), _address(request, "estate.view", "estate:lines"),
        ),
        Step(
            _("Open customers"),
            _("Name and phone of the tenant, and what the meter holds. %(opened)d of %(all)d units are open.")
            % {"opened": opened, "all": len(tiles)},
            opened > 0, _("Open supply"), _address(request, "customers.open", "customers:open"),
        ),
        Step(
            _("First sale"),
            _("Find the unit, take the money, and watch the proof come back from the meter."),
            False, _("Sell electricity"), _address(request, "vend.sell", "counter:home"),
        ),
    ]  # fmt: skip
    for step in steps:
        if not step.done:
            step.next = True
            break
    return steps


def _address(request: ConsoleRequest, right: str, route: str) -> str:
    return link_to(route) if right in request.rights else ""
