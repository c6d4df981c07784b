"""Retiring: what left the building goes out of use and keeps its history. Refused while something still hangs on it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy
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


def _hangers_on(instance: Retirable) -> dict[object, list[str]]:
    """Living things that need this one, by kind."""
    if isinstance(instance, UnitGroup):
        return {
            gettext_lazy("groups"): _living(instance.children, "name"),
            gettext_lazy("gateways"): _living(instance.gateways, "name"),
            gettext_lazy("units"): _living(instance.premises, "number"),
        }
    if isinstance(instance, Gateway):
        return {gettext_lazy("lines"): _living(instance.lines, "name")}
    if isinstance(instance, Line):
        return {gettext_lazy("meters"): _living(instance.meters, "name")}
    if isinstance(instance, Premises):
        # The agreements are a table of the customers app; the relation is known here by its name alone.
        agreements = instance.agreements.filter(closed_at__isnull=True)
        return {
            gettext_lazy("customers"): _names(agreements.values_list("customer__name", flat=True)),
            gettext_lazy("meters"): _living(instance.meters, "name"),
        }
    bound = instance.agreements.filter(unbound_at__isnull=True)
    return {gettext_lazy("customers"): _names(bound.values_list("agreement__customer__name", flat=True))}


def _living(things: models.Manager[Any], name: str) -> list[str]:
    return _names(things.filter(retired_at__isnull=True).values_list(name, flat=True))


def _names(rows: Iterable[str]) -> list[str]:
    return sorted(str(name) for name in rows)
