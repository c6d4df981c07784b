"""What the five lists of the estate share: facts of a page, the filter for what is in use, the empty list's hint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.listing.kit import Choice, Empty


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a thing's page."""

    label: str
    value: Any
    href: str = ""


class InUse(Choice):
    """Hides what is retired unless asked for."""

    __slots__ = ()

    def apply(self, rows: QuerySet[Any], query: QueryDict) -> QuerySet[Any]:
        chosen = self.chosen(query)
        if chosen is None:
            return rows.filter(retired_at__isnull=True)
        return rows.filter(retired_at__isnull=False) if chosen[0] == "retired" else rows


def in_use() -> Choice:
    """The filter for what is in use (as a matter of course), retired, or both."""
    return InUse("use_state", _("In use"), [("retired", _("retired")), ("all", _("with retired"))], "")


def nothing_yet(request: ConsoleRequest, title: str, icon: str) -> Empty:
    """An empty list leads to the import."""
    if "estate.import" not in request.rights:
        return Empty(title, _("An engineer with the right to import can bring in a whole building from Excel."), icon)
    return Empty(
        title, _("Bring in a whole building from one Excel file, or add things one by one."), icon,
        reverse("estate:import"), _("Import a workbook"),
    )  # fmt: skip
