"""The five kinds of thing the estate is made of, and how each is listed, shown, kept and retired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from prewatt.office.estate import selectors, services
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.estate import gateways, groups, lines, meters, units
from prewatt.web.console.estate.common import Fact
from prewatt.web.console.estate.forms import (
    GatewayForm,
    GroupForm,
    LineForm,
    MeterForm,
    PremisesForm,
    ThingForm,
)
from prewatt.web.console.listing.kit import Listing


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of thing. ``page`` and ``list_page`` are route names; ``parts`` lists what hangs on one."""

    page: str
    list_page: str
    one: str | Promise
    new: str | Promise
    many: str | Promise
    lead: str | Promise
    icon: str
    rows: Callable[..., QuerySet[Any]]
    form: type[ThingForm]
    keep: Callable[..., Any]
    listing: Callable[..., Listing]
    facts: Callable[[ConsoleRequest, Any], list[Fact]]
    parts: Callable[[ConsoleRequest, Any], list[Listing]]
    figures: Callable[[Any], list[tuple[str, str, bool]]] = lambda _one: []

    def href(self, verb: str = "", pk: int | None = None) -> str:
        """Address of a thing's page, or of one of its verbs: new, edit, retire."""
        name = f"estate:{self.page}_{verb}" if verb else f"estate:{self.page}"
        return reverse(name, args=[pk] if pk is not None else [])

    @property
    def list_href(self) -> str:
        """Address of the list."""
        return reverse(f"estate:{self.list_page}")


def _of_group(request: ConsoleRequest, group: Any) -> list[Listing]:
    inner = selectors.groups(request.user).filter(parent=group)
    return [
        *([groups.listing(request, inner, name="groups")] if inner.exists() else []),
        *(
            [gateways.listing(request, selectors.gateways(request.user).filter(zone=group), name="gateways")]
            if group.gateways.filter(retired_at__isnull=True).exists()
            else []
        ),
        units.listing(
            request,
            selectors.premises(request.user).filter(group__in=selectors.with_descendants([group.pk])),
            name="units",
        ),
    ]


def _of_gateway(request: ConsoleRequest, gateway: Any) -> list[Listing]:
    return [lines.listing(request, selectors.lines(request.user).filter(gateway=gateway), name="lines")]


def _of_line(request: ConsoleRequest, line: Any) -> list[Listing]:
    return [meters.listing(request, selectors.meters(request.user).filter(line=line), name="meters")]


def _of_unit(request: ConsoleRequest, premises: Any) -> list[Listing]:
    return [meters.listing(request, selectors.meters(request.user).filter(premises=premises), name="meters")]


def _of_meter(_request: ConsoleRequest, _meter: Any) -> list[Listing]:
    return []


GROUP = Thing(
    "group", "groups", _("Building group"), _("New building group"), _("Buildings"), _("Zones, buildings and floors"),
    "building-community", selectors.groups, GroupForm, services.save_group, groups.listing, groups.facts, _of_group,
)  # fmt: skip
GATEWAY = Thing(
    "gateway", "gateways", _("Gateway"), _("New gateway"), _("Gateways"),
    _("They carry the lines of a zone to this server"), "router", selectors.gateways, GatewayForm,
    services.save_gateway, gateways.listing, gateways.facts, _of_gateway,
)  # fmt: skip
LINE = Thing(
    "line", "lines", _("Line"), _("New line"), _("Lines"), _("RS-485 lines: how full, how fast, how healthy"),
    "git-branch", selectors.lines, LineForm, services.save_line, lines.listing, lines.facts, _of_line, lines.figures,
)  # fmt: skip
METER = Thing(
    "meter", "meters", _("Meter"), _("New meter"), _("Meters"), _("Where each hangs, what it serves, when it answered"),
    "dashboard", selectors.meters, MeterForm, services.save_meter, meters.listing, meters.facts, _of_meter,
    meters.figures,
)  # fmt: skip
UNIT = Thing(
    "premise", "premises", _("Unit"), _("New unit"), _("Units"), _("The places that are supplied"), "home",
    selectors.premises, PremisesForm, services.save_premises, units.listing, units.facts, _of_unit,
)  # fmt: skip
THINGS = (GROUP, GATEWAY, LINE, METER, UNIT)
