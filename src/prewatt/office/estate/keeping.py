"""How every thing of the estate is kept: a draft is judged whole, then only what changed is written and logged."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils.translation import gettext_noop as _

from prewatt.office.estate.errors import FormRefusal, Problem
from prewatt.office.estate.models import Site
from prewatt.office.estate.rules import TAKEN, Problems
from prewatt.office.operators.models import Operator
from prewatt.office.operators.services import record

Thing = TypeVar("Thing", bound=models.Model)


def bump_roster() -> None:
    """Tell the head-end that gateways, lines or meters changed. On PostgreSQL it also makes edits queue up."""
    Site.objects.get_or_create(id=1)
    Site.objects.filter(id=1).update(roster_version=F("roster_version") + 1)


def draft(kind: type[Thing], instance: Thing | None, fields: Mapping[str, Any]) -> Thing:
    """A copy of the thing with the given fields set, texts without blanks at their ends. Nothing is written."""
    thing = copy.copy(instance) if instance is not None else kind()
    for name, value in fields.items():
        setattr(thing, name, value.strip() if isinstance(value, str) else value)
    return thing


def name_taken(thing: models.Model, field: str = "name") -> Problems:
    """A problem when another living thing of the same kind has this name."""
    value = getattr(thing, field)
    living: models.QuerySet[Any] = models.QuerySet(type(thing)).filter(retired_at__isnull=True)
    others = living.filter(**{field: value}).exclude(pk=thing.pk)
    return {field: Problem(TAKEN, {"name": value})} if value and others.exists() else {}


def refuse(problems: Problems) -> None:
    """Raise FormRefusal when there is any problem."""
    if problems:
        raise FormRefusal(problems)


def keep(
    thing: Thing,
    *,
    instance: Thing | None,
    fields: Mapping[str, Any],
    by: Operator | None,
    at: datetime,
    action: str,
    subject: str,
) -> Thing:
    """Write a judged draft and its line in the log."""
    names = [name for name in fields if instance is None or getattr(instance, name) != getattr(thing, name)]
    try:
        with transaction.atomic():
            if instance is None:
                thing.save(force_insert=True)
            elif names:
                thing.save(update_fields=names)
    except IntegrityError as error:  # somebody else took the name or the address a moment ago
        raise FormRefusal({"": Problem(_("Somebody else changed this meanwhile. Please look again."))}) from error
    if instance is None or names:
        before = {name: plain(getattr(instance, name)) for name in names} if instance is not None else {}
        after = {name: plain(getattr(thing, name)) for name in names}
        verb = "edit" if instance is not None else "create"
        data = {"id": thing.pk, "before": before, "after": after}
        record(by=by, at=at, action=f"{action}.{verb}", subject=subject, summary=", ".join(names), data=data)
    return thing


def plain(value: Any) -> Any:
    """A value as the log keeps it: things by their name."""
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    return str(value) if isinstance(value, models.Model) else value
