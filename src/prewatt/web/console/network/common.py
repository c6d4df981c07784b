"""What the pages of the network share: the tabs of those out of contact, the cell of a work order."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from prewatt.core.supply import Contact
from prewatt.office.controls import selectors as controls
from prewatt.office.estate import selectors as estate
from prewatt.web.console.base.access import ConsoleRequest
from prewatt.web.console.listing.kit import Choice, Listing


def asked_key(request: ConsoleRequest) -> str:
    """The key a form was sent with, so that a second click is the same wish."""
    return request.POST.get("key", "")[:36] or get_random_string(20)


def response(request: ConsoleRequest, listing: Listing, tab: str) -> HttpResponse:
    """One of the three lists of what is out of contact."""
    tabs = [
        ("meters", "network:silent", _("Meters"), estate.meters(request.user).filter(state__contact=Contact.OUT)),
        ("gateways", "network:silent_gateways", _("Gateways"),
         estate.gateways(request.user).filter(state__contact=Contact.OUT)),
        ("work", "network:silent_work", _("Work orders"),
         controls.work_orders(request.user).filter(closed_at__isnull=True)),
    ]  # fmt: skip
    shown = [
        {"title": title, "href": reverse(route), "count": rows.order_by().count(), "here": key == tab}
        for key, route, title, rows in tabs
    ]
    return listing.response("console/network/silent.html", {"silent_tabs": shown})


def work_filter() -> Choice:
    """With somebody on the way, or without. Rows carry ``work``, the open order."""
    return Choice(
        "work_order", _("Work order"), [("open", _("somebody is on it")), ("none", _("nobody is on it"))], _by_work
    )


def work_cell(request: ConsoleRequest, row: Any, route: str) -> SafeString:
    """Who is on it, or the link that sends somebody."""
    may = "workorder.edit" in request.rights
    if row.work:
        name = format_html('<i class="ti ti-tool" aria-hidden="true"></i> {}', row.work_person)
        return format_html('<a href="{}">{}</a>', reverse("network:silent_work_order", args=[row.work]), name)
    if not may:
        return format_html('<span class="text-secondary">{}</span>', "–")
    return format_html('<a class="btn btn-sm" href="{}">{}</a>', reverse(route, args=[row.pk]), _("Send somebody"))


def _by_work(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    return rows.filter(work__isnull=value == "none")
