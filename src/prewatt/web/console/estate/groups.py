"""Groups of units (建筑群): the tree of zones, buildings and floors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from prewatt.office.estate import selectors
from prewatt.office.estate.models import GroupKind, UnitGroup
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.estate.common import Fact, in_use, nothing_yet
from prewatt.web.console.listing.kit import Choice, Column, Kind, Listing, Phone

_ICONS = {"zone": "map-2", "building": "building", "floor": "stairs", "group": "folder"}


def tree(rows: QuerySet[UnitGroup]) -> Sequence[UnitGroup]:
    """The groups, each followed by its children; ``depth`` says how far in. Without its parent a group is a root."""
    every = list(rows.order_by("place", "name", "pk"))
    known = {group.pk for group in every}
    below: dict[int | None, list[UnitGroup]] = {}
    for group in every:
        below.setdefault(group.parent_id if group.parent_id in known else None, []).append(group)
    ordered: list[UnitGroup] = []
    waiting = [(group, 0) for group in reversed(below.get(None, []))]
    while waiting:
        group, depth = waiting.pop()
        group.depth = depth  # type: ignore[attr-defined]
        ordered.append(group)
        waiting.extend((child, depth + 1) for child in reversed(below.get(group.pk, [])))
    return ordered


def _name(row: UnitGroup) -> SafeString:
    depth = min(getattr(row, "depth", 0), 4)
    return format_html(
        '<span class="l-depth-{}"><i class="ti ti-{} text-secondary" aria-hidden="true"></i> {}</span>',
        depth, _ICONS.get(row.kind, "folder"), row.name,
    )  # fmt: skip


def listing(request: ConsoleRequest, rows: QuerySet[Any] | None = None, name: str = "list") -> Listing:
    """All groups as a tree, or those below one."""
    whole = rows is None
    within = _counter(request)
    rows = selectors.groups(request.user, retired=True) if rows is None else rows
    return Listing(
        request,
        rows,
        title=_("Buildings"),
        columns=[
            Column("name", _("Name"), "name", sort=("name",), cell=_name, phone=Phone.TITLE, width=30),
            Column("kind", _("Kind"), lambda row: row.get_kind_display(), sort=("kind",)),
            *(
                []
                if not whole
                else [Column("parent", _("Belongs to"), "parent.name", sort=("parent__name",), width=24)]
            ),
            Column("inner", _("Groups within"), lambda row: within(row)[0], kind=Kind.NUMBER),
            Column("units", _("Units"), lambda row: within(row)[1], kind=Kind.NUMBER),
        ],
        filters=[Choice("kind", _("Kind"), GroupKind.choices, "kind"), in_use()] if whole else [],
        search=["name"] if whole else [],
        arrange=tree,
        href=lambda row: reverse("estate:group", args=[row.pk]),
        row_class=lambda row: "l-faint" if row.retired_at else "",
        export_name="buildings" if whole else "",
        export_right="estate.export",
        empty=nothing_yet(request, _("No buildings yet"), "building-community"),
        name=name,
    )


def _counter(request: ConsoleRequest) -> Callable[[UnitGroup], tuple[int, int]]:
    """Gives, for a group, how many groups and units lie below it, at any depth. Counts once a request."""

    @cache
    def counts() -> dict[int, tuple[int, int]]:
        living = Count("premises", filter=Q(premises__retired_at__isnull=True))
        groups = tree(selectors.groups(request.user).annotate(units=living))
        found = {group.pk: (0, group.units) for group in groups}  # type: ignore[attr-defined]
        for group in reversed(groups):  # children stand after their parent
            if group.parent_id in found:
                inner, units = found[group.parent_id]
                own_inner, own_units = found[group.pk]
                found[group.parent_id] = (inner + own_inner + 1, units + own_units)
        return found

    return lambda group: counts().get(group.pk, (0, 0))


def facts(_request: ConsoleRequest, group: UnitGroup) -> list[Fact]:
    """What a group's page says about it."""
    parent = group.parent
    return [
        Fact(_("Kind"), group.get_kind_display()),
        Fact(
            _("Belongs to"), parent.name if parent else "", reverse("estate:group", args=[parent.pk]) if parent else ""
        ),
        Fact(_("Place in lists"), group.place),
    ]
