"""A list page: rows filtered, searched, sorted and paged by the address alone, drawn as a table or written to Excel.

A view says what the rows are and what a row shows; everything else is here::

    listing = Listing(request, selectors.meters(request.user), title=_("Meters"), columns=[...], filters=[...],
                      search=["name", "serial"], sort="name", href=lambda row: reverse("estate:meter", args=[row.pk]),
                      export_name="meters", export_right="estate.export")
    return listing.response("console/estate/list.html", {"title": ...})

The template puts ``{% include "console/listing/table.html" %}`` where the table goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe

from prewatt.office.operators.services import record
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.listing.cells import Column, Kind, Phone
from prewatt.web.console.listing.filters import Choice, Days, Filter
from prewatt.web.console.listing.workbook import download

__all__ = ["Action", "Choice", "Column", "Days", "Empty", "Kind", "Listing", "Phone"]

PER_PAGE = (50, 100, 200)
MAX_WORDS = 6  # of a search: more only slows the database down
MAX_CHOSEN = 20_000
OWN_KEYS = frozenset({"q", "sort", "page", "per", "export"})


@dataclass(frozen=True, slots=True)
class Empty:
    """What an empty list says, and the one thing to do next."""

    title: Any
    text: Any = ""
    icon: str = "inbox"
    href: str = ""
    label: Any = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do with the chosen rows. ``url`` takes a POST with what ``Listing.chosen`` reads."""

    url: str
    label: Any
    icon: str = "bolt"


class Listing:
    """The list of one request."""

    def __init__(
        self,
        request: ConsoleRequest,
        rows: QuerySet[Any],
        *,
        title: Any,
        columns: Sequence[Column],
        filters: Sequence[Filter] = (),
        search: Sequence[str] = (),
        search_hint: Any = "",
        sort: str = "",
        href: Callable[[Any], str] | None = None,
        row_class: Callable[[Any], str] | None = None,
        export_name: str = "",
        export_right: str = "",
        actions: Sequence[Action] = (),
        empty: Empty | None = None,
        arrange: Callable[[QuerySet[Any]], Sequence[Any]] | None = None,
        name: str = "list",
        query: QueryDict | None = None,
    ) -> None:
        self.request = request
        self.all_rows = rows
        self.title = title
        self.columns = list(columns)
        self.filters = list(filters)
        self.search = list(search)
        self.search_hint = search_hint
        self.default_sort = sort
        self.href = href
        self.row_class = row_class
        self.export_name = export_name
        self.export_right = export_right
        self.actions = list(actions)
        self.empty = empty
        self.arrange = arrange  # an order no column has, such as a tree's: takes the rows, gives all of them in order
        self.name = name
        self.query = query if query is not None else request.GET

    # -- what the address says

    @property
    def words(self) -> str:
        """What was typed into the search box."""
        return self.query.get("q", "").replace("\x00", "").strip()[:100]

    @property
    def sort(self) -> str:
        """Key of the sorted column, with a minus when it falls."""
        wanted = self.query.get("sort", "")
        sortable = {column.key for column in self.columns if column.sort}
        return wanted if wanted.removeprefix("-") in sortable else self.default_sort

    @property
    def per(self) -> int:
        """Rows a page."""
        wanted = self.query.get("per", "")
        return int(wanted) if wanted in {str(number) for number in PER_PAGE} else PER_PAGE[0]

    # -- rows

    @cached_property
    def rows(self) -> QuerySet[Any]:
        """Every row that passes the filters and the search, in order."""
        rows = self.all_rows
        for part in self.filters:
            rows = part.apply(rows, self.query)
        for word in self.words.split()[:MAX_WORDS] if self.search else ():
            rows = rows.filter(reduce(or_, (Q(**{f"{name}__icontains": word}) for name in self.search)))
        return self._sorted(rows)

    def _sorted(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        key = self.sort.removeprefix("-")
        column = next((column for column in self.columns if column.key == key and column.sort), None)
        if column is None:
            return rows if rows.query.order_by else rows.order_by("pk")
        falling = self.sort.startswith("-")
        names = [f"-{name}" if falling else name for name in column.sort]
        return rows.order_by(*names, "-pk" if falling else "pk")

    @cached_property
    def page(self) -> Page[Any]:
        """The page the address asks for, or the nearest there is."""
        return Paginator(self._arranged(), self.per).get_page(self.query.get("page"))

    def _arranged(self) -> Any:
        return self.arrange(self.rows) if self.arrange and not self.sort else self.rows

    @property
    def opens(self) -> bool:
        """Whether a click on a row opens a page. (A template that met ``href`` itself would call it.)"""
        return self.href is not None

    @property
    def narrowed(self) -> bool:
        """Whether a filter or a search hides rows."""
        return bool(self.words) or bool(self.chips)

    def chosen(self) -> QuerySet[Any]:
        """The rows a batch was asked for: ticked one by one over several pages, or all that match the filters.

        Takes what the selection bar posts: ``ids`` (numbers with commas), or ``query`` with ``all``. Only rows that
        the list itself would show are ever among them.
        """
        post = self.request.POST
        if post.get("all"):
            return self.again(QueryDict(post.get("query", ""))).rows
        numbers = [int(text) for text in post.get("ids", "").split(",") if text.isdecimal() and len(text) < 19]
        numbers += [int(text) for text in post.getlist("id") if text.isdecimal() and len(text) < 19]
        return self._sorted(self.all_rows.filter(pk__in=set(numbers[:MAX_CHOSEN])))

    def again(self, query: QueryDict) -> Listing:
        """The same list under another address."""
        return Listing(
            self.request, self.all_rows, title=self.title, columns=self.columns, filters=self.filters,
            search=self.search, sort=self.default_sort, name=self.name, query=query,
        )  # fmt: skip

    # -- for the template

    @cached_property
    def chips(self) -> list[dict[str, str]]:
        """Active filters, each with the address that takes it off."""
        found = [chip for part in self.filters for chip in part.chips(self.query)]
        if self.words and self.search:
            found.insert(0, ("q", f"“{self.words}”"))
        return [{"text": text, "href": self.address(**{key: None, "page": None})} for key, text in found]

    @property
    def clear_href(self) -> str:
        """The address without any filter or search."""
        keys = {key for part in self.filters for key in part.names()}
        return self.address(**dict.fromkeys([*keys, "q", "page"]))

    @property
    def controls(self) -> list[dict[str, Any]]:
        """Form controls of all filters."""
        return [control for part in self.filters for control in part.controls(self.query)]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What of the address the filter form must carry along."""
        own = {key for part in self.filters for key in part.names()} | {"q", "page", "export"}
        return [(key, value) for key, values in self.query.lists() for value in values if key not in own]

    @property
    def address_query(self) -> str:
        """The filters and the search as they stand, for 'all that match'."""
        return self._encoded(page=None, export=None)

    @property
    def export_href(self) -> str:
        """Where the filtered list comes as Excel, or nothing when the operator may not."""
        allowed = not self.export_right or self.export_right in self.request.rights
        return self.address(export="xlsx", page=None) if self.export_name and allowed else ""

    @property
    def pages(self) -> list[dict[str, Any]]:
        """Links of the pager; a gap has no number."""
        numbers = self.page.paginator.get_elided_page_range(self.page.number, on_each_side=1, on_ends=1)
        return [
            {"number": number if isinstance(number, int) else None, "href": self.address(page=str(number)),
             "here": number == self.page.number}
            for number in numbers
        ]  # fmt: skip

    @property
    def previous_href(self) -> str:
        """The page before, if there is one."""
        return self.address(page=str(self.page.number - 1)) if self.page.has_previous() else ""

    @property
    def next_href(self) -> str:
        """The page after, if there is one."""
        return self.address(page=str(self.page.number + 1)) if self.page.has_next() else ""

    @property
    def per_choices(self) -> list[dict[str, Any]]:
        """Page sizes to choose from."""
        return [{"number": n, "href": self.address(per=str(n), page=None), "here": n == self.per} for n in PER_PAGE]

    @property
    def _drawn(self) -> list[Column]:
        return [column for column in self.columns if column.shown]

    @property
    def headings(self) -> list[dict[str, Any]]:
        """The table's head: words, class, and the address that sorts by the column."""
        key, falling = self.sort.removeprefix("-"), self.sort.startswith("-")
        found = []
        for column in self._drawn:
            here = bool(column.sort) and column.key == key
            order = ("descending" if falling else "ascending") if here else ""
            wanted = f"-{column.key}" if here and not falling else column.key
            href = self.address(sort=wanted, page=None) if column.sort else ""
            found.append({"label": column.label, "class": _class(column), "href": href, "order": order})
        return found

    @property
    def rows_html(self) -> SafeString:
        """The page's rows. Built here and not by template tags: the template engine is what makes a long list slow."""
        heads = [(column, _class(column), escape(column.label)) for column in self._drawn]
        return mark_safe("".join(self._row_html(row, heads) for row in self.page))  # noqa: S308 - escaped part by part

    def _row_html(self, row: Any, heads: Sequence[tuple[Column, str, str]]) -> str:
        href = conditional_escape(self.href(row)) if self.href else ""
        parts = [f'<tr class="{escape(self.row_class(row))}">' if self.row_class else "<tr>"]
        if self.actions:
            box = f'<input type="checkbox" class="form-check-input" data-row="{row.pk}" aria-labelledby="row-{row.pk}">'
            parts.append(f'<td class="l-tick">{box}</td>')
        for number, (column, css, label) in enumerate(heads):
            inner = column.html(row)
            if number == 0:
                inner = f'<a class="l-open" id="row-{row.pk}" href="{href}">{inner}</a>' if href else (
                    f'<span id="row-{row.pk}">{inner}</span>'
                )  # fmt: skip
            parts.append(f'<td class="{css}" data-label="{label}">{inner}</td>')
        parts.append("</tr>")
        return "".join(parts)

    # -- answers

    def address(self, **changes: str | None) -> str:
        """This page's address with some keys changed; None takes a key away."""
        return f"?{self._encoded(**{'export': None, **changes})}"

    def _encoded(self, **changes: str | None) -> str:
        query = self.query.copy()
        for key, value in changes.items():
            if value is None:
                query.pop(key, None)
            else:
                query[key] = value
        return query.urlencode()

    def response(self, template: str, context: dict[str, Any] | None = None) -> HttpResponse:
        """The page, its table alone when htmx asks for it, or the workbook when the address says ``export``."""
        if self.query.get("export") == "xlsx" and self.export_name:
            return self._exported()
        asked_for_table = self.request.headers.get("HX-Target") == f"{self.name}-results"
        page = "console/listing/results.html" if asked_for_table else template
        response = render(self.request, page, {**(context or {}), "listing": self})
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response

    def _exported(self) -> HttpResponse:
        if self.export_right and self.export_right not in self.request.rights:
            raise PermissionDenied
        at = self.request.clock.now()
        name = f"prewatt-{self.export_name}-{at:%Y%m%d}"
        response, count = download(name, str(self.title), self.columns, self._all())
        filters = {key: value for key, value in self.query.items() if key not in OWN_KEYS or key == "q"}
        record(
            by=self.request.user, at=at, action="list.export", subject=self.export_name,
            summary=f"{count}", data={"rows": count, "filters": filters},
            address=self.request.META.get("REMOTE_ADDR") or None,
        )  # fmt: skip
        return response  # type: ignore[return-value]

    def _all(self) -> Any:
        rows = self._arranged()
        return rows.iterator(chunk_size=1000) if isinstance(rows, QuerySet) else rows


def _class(column: Column) -> str:
    return " ".join(
        part for part in (f"l-{column.kind}", "text-end" if column.at_end else "", f"l-phone-{column.phone}") if part
    )
