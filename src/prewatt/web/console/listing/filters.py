"""Filters of a list. Their state lives in the address, so a filtered list can be kept, shared and reloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.timezone import get_current_timezone

Choices = Iterable[tuple[Any, Any]]


class Filter(Protocol):
    """A filter reads its own keys of the address and narrows the rows; what it does not understand it ignores."""

    @property
    def label(self) -> Any: ...

    @property
    def kind(self) -> str: ...

    def names(self) -> tuple[str, ...]: ...

    def controls(self, query: QueryDict) -> list[dict[str, Any]]: ...

    def chips(self, query: QueryDict) -> list[tuple[str, str]]: ...

    def apply(self, rows: QuerySet[Any], query: QueryDict) -> QuerySet[Any]: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values. ``lookup`` is a field lookup or a function ``(rows, value) -> rows``."""

    key: str
    label: Any
    choices: Choices | Callable[[], Choices]
    lookup: str | Callable[[QuerySet[Any], str], QuerySet[Any]]
    kind: str = field(default="choice", init=False)

    def names(self) -> tuple[str, ...]:
        return (self.key,)

    def options(self) -> list[tuple[str, str]]:
        """Value and words of every choice."""
        choices = self.choices() if callable(self.choices) else self.choices
        return [(str(value), str(words)) for value, words in choices]

    def chosen(self, query: QueryDict) -> tuple[str, str] | None:
        """The valid choice the address makes, if any."""
        wanted = query.get(self.key, "")
        return next(((value, words) for value, words in self.options() if value == wanted), None) if wanted else None

    def controls(self, query: QueryDict) -> list[dict[str, Any]]:
        chosen = self.chosen(query)
        value = chosen[0] if chosen else ""
        return [{"kind": "choice", "name": self.key, "label": self.label, "value": value, "options": self.options()}]

    def chips(self, query: QueryDict) -> list[tuple[str, str]]:
        chosen = self.chosen(query)
        return [(self.key, f"{self.label}: {chosen[1]}")] if chosen else []

    def apply(self, rows: QuerySet[Any], query: QueryDict) -> QuerySet[Any]:
        chosen = self.chosen(query)
        if chosen is None:
            return rows
        if callable(self.lookup):
            return self.lookup(rows, chosen[0])
        return rows.filter(**{self.lookup: chosen[0]})


@dataclass(frozen=True, slots=True)
class Days:
    """A range of civil days, both ends included, over a field of aware times."""

    key: str
    label: Any
    lookup: str
    kind: str = field(default="days", init=False)

    def names(self) -> tuple[str, ...]:
        return (f"{self.key}_from", f"{self.key}_to")

    def _bounds(self, query: QueryDict) -> tuple[date | None, date | None]:
        first, last = (_day(query.get(key, "")) for key in self.names())
        return first, last

    def controls(self, query: QueryDict) -> list[dict[str, Any]]:
        days = self._bounds(query)
        return [
            {"kind": "day", "name": key, "label": self.label, "value": day.isoformat() if day else "", "end": end}
            for key, day, end in zip(self.names(), days, (False, True), strict=True)
        ]

    def chips(self, query: QueryDict) -> list[tuple[str, str]]:
        first, last = self._bounds(query)
        low, high = self.names()
        found = [(low, f"{self.label} ≥ {first}")] if first else []
        return found + ([(high, f"{self.label} ≤ {last}")] if last else [])

    def apply(self, rows: QuerySet[Any], query: QueryDict) -> QuerySet[Any]:
        first, last = self._bounds(query)
        if first:
            rows = rows.filter(**{f"{self.lookup}__gte": _midnight(first)})
        if last:
            rows = rows.filter(**{f"{self.lookup}__lt": _midnight(last + timedelta(days=1))})
        return rows


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # years a calendar field lets through while typing, and that would overflow at a zone's edge
    return day if 1970 <= day.year <= 9990 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=get_current_timezone())
