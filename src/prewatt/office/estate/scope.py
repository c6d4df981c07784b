"""Scope: the groups an operator is limited to. Nobody reaches, or hands out, more of the building than their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop as _

from prewatt.core.errors import Refusal
from prewatt.office.estate.errors import FormRefusal, Problem
from prewatt.office.estate.models import Line, OperatorScope, UnitGroup
from prewatt.office.estate.selectors import scope_groups
from prewatt.office.operators import services as operators
from prewatt.office.operators.models import Operator

OUTSIDE = Problem(_("This lies outside the part of the building that you work for."))


def outside(by: Operator | None, field: str, groups: Iterable[UnitGroup | None]) -> dict[str, Problem]:
    """A problem for ``field`` when ``by`` is limited and a group (None: no group) is not within the limits."""
    scope = scope_groups(by) if by is not None else None
    if scope is None or all(group is not None and group.pk in scope for group in groups):
        return {}
    return {field: OUTSIDE}


def outside_line(by: Operator | None, line: Line) -> dict[str, Problem]:
    """A problem when a line's gateway stands outside the limits of ``by``."""
    return outside(by, "line", [line.gateway.zone])


@transaction.atomic
def set_scope(*, operator: Operator, groups: Collection[UnitGroup], by: Operator | None, at: datetime) -> None:
    """Limit an operator to some groups; none means the whole site. Raises FormRefusal beyond the scope of ``by``."""
    own = scope_groups(by) if by is not None else None
    if by is not None and own is not None:
        if by.pk == operator.pk:
            raise Refusal("own-scope", "You cannot change your own part of the building.")
        held = scope_groups(operator) or frozenset()  # none yet: an operator just made
        if not groups or not held <= own or any(group.pk not in own for group in groups):
            raise FormRefusal({"groups": OUTSIDE})
    before = sorted(OperatorScope.objects.filter(operator=operator).values_list("group__name", flat=True))
    OperatorScope.objects.filter(operator=operator).delete()
    OperatorScope.objects.bulk_create([OperatorScope(operator=operator, group=group) for group in groups])
    after = sorted(group.name for group in groups)
    if before != after:
        data = {"before": before, "after": after}
        operators.record(by=by, at=at, action="estate.scope", subject=operator.username, data=data)


@transaction.atomic
def add_operator(*, groups: Collection[UnitGroup], by: Operator | None, at: datetime, **fields: Any) -> Operator:
    """``operators.services.create_operator`` together with the new operator's scope: use this one from the console."""
    operator = operators.create_operator(by=by, at=at, **fields)
    set_scope(operator=operator, groups=groups, by=by, at=at)
    return operator
