"""The nine doors of the console and their pages.

A door without pages yet, or without one that its visitor may open, is not shown.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


def link_to(route: str, *args: object) -> str:
    """The URL of a route, or "" while its door does not exist."""
    try:
        return reverse(route, args=args)
    except NoReverseMatch:
        return ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page one can go to: route name, title, and the rights of which one is enough."""

    route: str
    title: str | Promise
    rights: tuple[str, ...]
    demo: bool = False  # only where the site is a demo
    inner: tuple[str, ...] = ()  # routes that belong to it though their names do not say so

    def address(self) -> str:
        """Its URL, or "" while it does not exist."""
        return link_to(self.route)


@dataclass(frozen=True, slots=True)
class Door:
    """A door: word, icon, the URL namespaces behind it, and its pages; it opens on the first that may be seen."""

    key: str
    title: str | Promise
    icon: str
    spaces: tuple[str, ...]
    pages: tuple[Page, ...]


DOORS: tuple[Door, ...] = (
    Door("overview", pgettext_lazy("door", "Overview"), "layout-dashboard", ("overview", "units"), (
        Page("overview:wall", _("Building wall"), ("wall.view",)),
    )),
    Door("counter", pgettext_lazy("door", "Counter"), "cash-register", ("counter",), (
        Page("counter:home", _("Sell electricity"), ("vend.sell", "vend.view"), inner=("counter:sell",)),
        Page("counter:today", _("Sales today"), ("vend.view",)),
        Page("counter:orders", _("All sales"), ("vend.view",), inner=("counter:cancel", "counter:receipt")),
    )),
    Door("customers", pgettext_lazy("door", "Customers"), "users", ("customers",), (
        Page("customers:list", _("Customers"), ("customers.view",), inner=("customers:agreement", "customers:edit")),
        Page("customers:open", _("Open supply"), ("customers.open",)),
    )),
    Door("energy", pgettext_lazy("door", "Energy"), "chart-histogram", ("energy",), ()),
    Door("supply", pgettext_lazy("door", "Supply"), "plug", ("supply",), ()),
    Door("prices", pgettext_lazy("door", "Prices"), "receipt-yen", ("prices",), ()),
    Door("alarms", pgettext_lazy("door", "Alarms"), "bell", ("alarms",), ()),
    Door("reports", pgettext_lazy("door", "Reports"), "report-analytics", ("reports",), ()),
    Door("system", pgettext_lazy("door", "System"), "settings", ("estate", "network", "operators", "lines", "demo"), (
        Page("estate:premises", _("Units"), ("estate.view",)),
        Page("estate:meters", _("Meters"), ("estate.view",)),
        Page("estate:lines", _("Lines"), ("estate.view",)),
        Page("estate:gateways", _("Gateways"), ("estate.view",)),
        Page("estate:groups", _("Buildings"), ("estate.view",)),
        Page("network:diagram", _("Connection diagram"), ("network.view",)),
        Page("network:silent", _("Out of contact"), ("network.view",)),
        Page("network:traffic", _("Line health"), ("network.view",)),
        Page("network:scans", _("Scan"), ("network.scan",)),
        Page("estate:import", _("Import"), ("estate.import",)),
        Page("estate:site", _("Defaults"), ("site.edit",)),
        Page("operators:list", _("Operators"), ("operators.view",), inner=("operators:new", "operators:edit")),
        Page("operators:roles", _("Roles"), ("operators.view",)),
        Page("operators:log", _("Operation log"), ("log.view",)),
        Page("lines:list", _("Line frames"), ("lines.log",)),
        Page("demo:faults", _("Demo faults"), ("demo.faults",), demo=True),
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page as the frame draws it."""

    title: str | Promise
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class DoorLink:
    """A door as the frame draws it."""

    key: str
    title: str | Promise
    icon: str
    address: str
    current: bool
    pages: tuple[PageLink, ...]


def shown(rights: Collection[str], *, demo: bool, view_name: str = "") -> tuple[DoorLink, ...]:
    """The doors somebody with these rights sees while he is on the route ``view_name``."""
    return tuple(link for door in DOORS if (link := _link(door, rights, demo=demo, view_name=view_name)))


def _link(door: Door, rights: Collection[str], *, demo: bool, view_name: str) -> DoorLink | None:
    here = _current(door, view_name)
    pages = tuple(
        PageLink(page.title, address, page is here)
        for page in door.pages
        if any(code in rights for code in page.rights) and (demo or not page.demo) and (address := page.address())
    )
    if not pages:
        return None
    return DoorLink(
        door.key, door.title, door.icon, pages[0].address, view_name.split(":", maxsplit=1)[0] in door.spaces, pages
    )


def _current(door: Door, view_name: str) -> Page | None:
    """The page one is on: of that route; else the list a single thing belongs to; else the only one of its space."""
    exact = [page for page in door.pages if view_name in {page.route, *page.inner}]
    stem = [page for page in door.pages if view_name and view_name.startswith(page.route.removesuffix("s"))]
    space = view_name.split(":", maxsplit=1)[0]
    alone = [page for page in door.pages if page.route.split(":")[0] == space]
    return next(iter(exact or stem or (alone if len(alone) == 1 else [])), None)
