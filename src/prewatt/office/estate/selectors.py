"""What an operator may see of the estate: the whole site, or their groups and all below them.

A unit belongs to its group, a gateway to its zone; lines follow their gateway, meters their unit (or, without one,
their line). Everything else in the house starts from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Q, QuerySet

from prewatt.office.estate.models import Gateway, Line, Meter, OperatorScope, Premises, Site, UnitGroup
from prewatt.office.operators.models import Operator

Thing = TypeVar("Thing", UnitGroup, Gateway, Line, Premises, Meter)


def site() -> Site:
    """The site's settings; defaults while set-up has not been done."""
    return Site.objects.first() or Site(id=1, name="")


def scope_groups(operator: Operator) -> frozenset[int] | None:
    """Ids of the groups an operator is limited to, with all below them. None: the whole site."""
    roots = list(OperatorScope.objects.filter(operator=operator).values_list("group_id", flat=True))
    return with_descendants(roots) if roots else None


def with_descendants(roots: Iterable[int]) -> frozenset[int]:
    """These groups and all below them."""
    below: dict[int, list[int]] = {}
    for group, parent in UnitGroup.objects.filter(parent__isnull=False).values_list("id", "parent_id"):
        assert parent is not None
        below.setdefault(parent, []).append(group)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        group = waiting.pop()
        if group not in found:
            found.add(group)
            waiting.extend(below.get(group, ()))
    return frozenset(found)


def groups(operator: Operator, *, retired: bool = False) -> QuerySet[UnitGroup]:
    """Visible groups."""
    scope = scope_groups(operator)
    found = _living(UnitGroup.objects.select_related("parent"), retired)
    return found if scope is None else found.filter(pk__in=scope)


def gateways(operator: Operator, *, retired: bool = False) -> QuerySet[Gateway]:
    """Visible gateways: those of visible zones."""
    scope = scope_groups(operator)
    found = _living(Gateway.objects.select_related("zone"), retired)
    return found if scope is None else found.filter(zone__in=scope)


def lines(operator: Operator, *, retired: bool = False) -> QuerySet[Line]:
    """Lines of visible gateways."""
    scope = scope_groups(operator)
    found = _living(Line.objects.select_related("gateway__zone"), retired)
    return found if scope is None else found.filter(gateway__zone__in=scope)


def premises(operator: Operator, *, retired: bool = False) -> QuerySet[Premises]:
    """Visible unit numbers."""
    scope = scope_groups(operator)
    found = _living(Premises.objects.select_related("group"), retired)
    return found if scope is None else found.filter(group__in=scope)


def meters(operator: Operator, *, retired: bool = False) -> QuerySet[Meter]:
    """Meters of visible units, and those without a unit on visible lines."""
    scope = scope_groups(operator)
    found = _living(Meter.objects.select_related("line__gateway", "premises__group"), retired)
    return found if scope is None else found.filter(meters_in(scope))


def meters_in(scope: Iterable[int], prefix: str = "") -> Q:
    """The condition "this meter lies in those groups", for queries that reach meters over ``prefix``."""
    ids = list(scope)
    in_unit = Q(**{f"{prefix}premises__group__in": ids})
    loose = Q(**{f"{prefix}premises__isnull": True, f"{prefix}line__gateway__zone__in": ids})
    return in_unit | loose


def _living(rows: QuerySet[Thing], retired: bool) -> QuerySet[Thing]:
    return rows if retired else rows.filter(retired_at__isnull=True)
