"""The operation log: who did what and when. Sealed by a hash chain, so it is read here and never edited."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext as _

from prewatt.office.operators import selectors
from prewatt.office.operators.log import SYSTEM
from prewatt.office.operators.models import OperationLog
from prewatt.office.operators.rights import BUILTIN_ROLES
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.estate.forms import GatewayForm, GroupForm, LineForm, MeterForm, PremisesForm
from prewatt.web.console.estate.importer import sheet_title
from prewatt.web.console.estate.site import SiteForm
from prewatt.web.console.listing.kit import Choice, Column, Days, Empty, Kind, Listing, Phone
from prewatt.web.console.operators.deeds import AREAS, deed, deeds, list_title

BUILTIN_NAMES = {role.code: role.name for role in BUILTIN_ROLES}
FORMS = (GroupForm, GatewayForm, LineForm, PremisesForm, MeterForm, SiteForm)


@right("log.view")
def listed(request: ConsoleRequest) -> HttpResponse:
    """The log, newest first."""
    people = [(operator.pk, operator.name) for operator in selectors.operators(request.user)]
    listing = Listing(
        request,
        selectors.operation_log(request.user),
        title=_("Operation log"),
        columns=_columns(),
        filters=[
            Choice("by", _("Operator"), [*people, ("system", _("the system itself"))], _by),
            Choice("area", _("Kind of work"), [(key, _(label)) for key, label in AREAS.items()], "action__startswith"),
            Choice("action", _("Action"), sorted(deeds().items(), key=lambda pair: pair[0]), "action"),
            Days("at", _("Date"), "at"),
        ],
        search=["subject", "summary", "operator_name"],
        search_hint=_("Unit, meter, order or name"),
        href=lambda row: reverse("operators:log_entry", args=[row.pk]),
        export_name="operation-log",
        export_right="log.view",
        empty=Empty(_("Nothing was done yet"), icon="history"),
    )
    return listing.response("console/operators/log.html")


def _columns() -> list[Column]:
    return [
        Column("at", _("Time"), "at", kind=Kind.TIME, sort=("at",), width=20),
        Column("operator", _("Operator"), _name, sort=("operator_name",)),
        Column("action", _("Action"), lambda row: deed(row.action), sort=("action",), phone=Phone.TITLE, width=26),
        Column("subject", _("Subject"), about, sort=("subject",), width=24),
        Column("summary", _("Details"), told, width=40),
        Column("address", _("Sent from"), "address", kind=Kind.CODE, phone=Phone.HIDE),
    ]


def _name(row: OperationLog) -> str:
    return _("the system itself") if row.operator_id is None and row.operator_name == SYSTEM else row.operator_name


def about(row: OperationLog) -> str:
    """The subject in the reader's language, where the service wrote the name of a list or of a role."""
    if row.action == "list.export":
        return list_title(row.subject)
    if row.action == "operators.role.builtin":
        return gettext(BUILTIN_NAMES.get(row.subject, row.subject))
    return row.subject


def told(row: OperationLog) -> str:
    """The summary in the reader's language, where the service wrote names of fields or sheets, or a size."""
    if row.action == "list.export" and row.summary.isdecimal():
        return ngettext("%(n)s row", "%(n)s rows", int(row.summary)) % {"n": row.summary}
    if row.action == "estate.export" and (size := row.summary.partition(" ")[0]).isdecimal():
        return filesizeformat(int(size))
    if row.action == "estate.import":
        return ", ".join(f"{sheet_title(name)} {count}" for name, count in row.data.get("rows", {}).items())
    if row.action.startswith("estate.") and row.action.endswith((".edit", ".create")):
        return ", ".join(field_title(name) for name in row.summary.split(", "))
    return row.summary


def field_title(name: str) -> str:
    """What a form calls a field; the bare name of one without a form."""
    return next((str(form.base_fields[name].label) for form in FORMS if name in form.base_fields), name)


def _by(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(operator__isnull=True) if value == "system" else rows.filter(operator=value)


@right("log.view")
def entry(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One line of the log with all it holds: what was before, what after."""
    row = get_object_or_404(selectors.operation_log(request.user), pk=pk)
    changes, rest = _changes(row.data)
    context = {
        "row": row,
        "name": _name(row),
        "deed": deed(row.action),
        "about": about(row),
        "told": told(row),
        "changes": changes,
        "rest": rest,
    }
    return render(request, "console/operators/entry.html", context)


def _changes(data: dict[str, Any]) -> tuple[list[tuple[str, SafeString, SafeString]], list[tuple[str, SafeString]]]:
    """What differs between ``before`` and ``after``, and everything else the line holds."""
    before, after = data.get("before"), data.get("after")
    rest = [(key, _plain(value)) for key, value in data.items() if key not in {"before", "after"}]
    if isinstance(before, list) or isinstance(after, list):
        return [("", _plain(before), _plain(after))], rest
    before, after = before or {}, after or {}
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [("", _plain(before), _plain(after))], rest
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return [(field_title(key), _plain(before.get(key)), _plain(after.get(key))) for key in keys], rest


def _plain(value: Any) -> SafeString:
    if value in (None, "", []):
        return SafeString("–")
    if isinstance(value, list) and all(isinstance(one, (str, int)) for one in value):
        return format_html("{}", ", ".join(str(one) for one in value))
    return format_html("{}", value if isinstance(value, (str, int)) else json.dumps(value, ensure_ascii=False))
