"""Retiring: what left the building goes out of use and keeps its history. Refused while something still hangs on it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from prewatt.core.errors import Refusal
from prewatt.office.estate.keeping import bump_roster
from prewatt.office.estate.models import Gateway, Line, Meter, Premises, UnitGroup
from prewatt.office.estate.scope import OUTSIDE, outside
from prewatt.office.operators.models import Operator
from prewatt.office.operators.services import record

Retirable = UnitGroup | Gateway | Line | Premises | Meter
IN_USE = _("%(name)s cannot be retired: %(what)s still belong to it (%(examples)s).")


@transaction.atomic
def retire(*, instance: Retirable, by: Operator | None, at: datetime) -> None:
    """Take a thing out of use. Raises Refusal "in-use" with examples of what still hangs on it."""
    bump_roster()
    if outside(by, "", [_home_of(instance)]):
        raise Refusal("outside-scope", OUTSIDE.message)
    for what, names in _hangers_on(instance).items():
        if names:
            raise Refusal("in-use", IN_USE, name=str(instance), what=what, examples=", ".join(names[:3]))
    if type(instance).objects.filter(pk=instance.pk, retired_at__isnull=True).update(retired_at=at):
        kind = "group" if isinstance(instance, UnitGroup) else type(instance).__name__.lower()
        record(by=by, at=at, action=f"estate.{kind}.retire", subject=str(instance), data={"id": instance.pk})
    instance.retired_at = at


def _home_of(instance: Retirable) -> UnitGroup | None:
    if isinstance(instance, UnitGroup):
        return instance
    if isinstance(instance, Gateway):
        return instance.zone
    if isinstance(instance, Premises):
        return instance.group
    if isinstance(instance, Meter) and instance.premises is not None:
        return instance.premises.group
    return instance.gateway.zone if isinstance(instance, Line) else instance.line.gateway.zone


def _hangers_on(instance: Retirable) -> dict[str, list[str]]:
    """Living things that need this one, by kind."""
    if isinstance(instance, UnitGroup):
        return {
            "groups": _names(instance.children.filter(retired_at__isnull=True).values_list("name", flat=True)),
            "gateways": _names(instance.gateways.filter(retired_at__isnull=True).values_list("name", flat=True)),
            "units": _names(instance.premises.filter(retired_at__isnull=True).values_list("number", flat=True)),
        }
    if isinstance(instance, Gateway):
        return {"lines": _names(instance.lines.filter(retired_at__isnull=True).values_list("name", flat=True))}
    if isinstance(instance, Line):
        return {"meters": _names(instance.meters.filter(retired_at__isnull=True).values_list("name", flat=True))}
    if isinstance(instance, Premises):
        # The agreements are a table of the customers app; the relation is known here by its name alone.
        agreements = instance.agreements.filter(closed_at__isnull=True)
        return {
            "customers": _names(agreements.values_list("customer__name", flat=True)),
            "meters": _names(instance.meters.filter(retired_at__isnull=True).values_list("name", flat=True)),
        }
    bound = instance.agreements.filter(unbound_at__isnull=True)
    return {"customers": _names(bound.values_list("agreement__customer__name", flat=True))}


def _names(rows: Iterable[str]) -> list[str]:
    return sorted(str(name) for name in rows)
