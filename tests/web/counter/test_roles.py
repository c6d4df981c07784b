"""Every page of the counter and of customers against every role: open to who holds its right, closed to the rest."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import resolve, reverse

from prewatt.office.operators.rights import BUILTIN_ROLES
from prewatt.office.vending.models import CreditOrder

RIGHTS = {role.code: role.rights for role in BUILTIN_ROLES}
PAGES = {
    "counter:home": {"vend.sell", "vend.view"},
    "counter:find": {"vend.sell"},
    "counter:desk": {"vend.sell"},
    "counter:figures": {"vend.sell"},
    "counter:quote": {"vend.sell"},
    "counter:today": {"vend.view"},
    "counter:today-live": {"vend.view"},
    "counter:orders": {"vend.view"},
    "counter:order": {"vend.view"},
    "counter:live": {"vend.view"},
    "counter:cancel": {"vend.sell"},
    "counter:receipt": {"receipt.print"},
    "customers:list": {"customers.view"},
    "customers:agreement": {"customers.view"},
    "customers:live": {"customers.view"},
    "customers:open": {"customers.open"},
    "customers:open-meters": {"customers.open"},
    "customers:edit": {"customers.open"},
}
DEEDS = {
    "counter:till": "vend.sell",
    "counter:sell": "vend.sell",
    "counter:cancel": "vend.sell",
    "counter:again": "vend.sell",
    "counter:print": "receipt.print",
    "customers:open": "customers.open",
    "customers:edit": "customers.open",
    "customers:phone": "customers.open",
}
BY_ORDER = {"order", "live", "cancel", "again", "receipt", "print"}
BY_AGREEMENT = {"agreement", "live", "edit", "phone"}


def address(name, order):
    door, page = name.split(":")
    if door == "counter" and page in BY_ORDER:
        return reverse(name, args=[order.number])
    if door == "customers" and page in BY_AGREEMENT:
        return reverse(name, args=[order.agreement.number])
    return reverse(name)


@pytest.mark.parametrize("role", [*RIGHTS, None])
def test_pages_open_to_who_holds_the_right(shop, browser, role):
    order = shop.sell(0, 100)
    client = browser(role)
    for name, codes in PAGES.items():
        answer = client.get(address(name, order), {"agreement": order.agreement.number, "q": "A-101x", "amount": "5"})
        allowed = bool(codes & RIGHTS.get(role, frozenset()))
        assert answer.status_code == (200 if allowed else 403), name


@pytest.mark.parametrize("role", [*RIGHTS, None])
def test_deeds_are_refused_without_the_right(shop, browser, role):
    order = shop.sell(0, 100)
    client = browser(role)
    for name, code in DEEDS.items():
        answer = client.post(address(name, order), {"agreement": order.agreement.number})
        assert (answer.status_code == 403) == (code not in RIGHTS.get(role, frozenset())), name


def test_strangers_are_sent_to_sign_in(shop):
    order = shop.sell(0, 100)
    client = Client()
    for name in {**PAGES, **DEEDS}:
        for answer in (client.get(address(name, order)), client.post(address(name, order))):
            assert answer.status_code == 302, name
            assert answer.url.startswith(reverse("sign:in")), name
    order.refresh_from_db()
    assert order.state == "queued"


def test_deeds_are_not_done_by_looking(shop, cashier):
    order = shop.sell(0, 100)
    for name in ("counter:again", "counter:print", "counter:till", "customers:phone"):
        assert cashier.get(address(name, order)).status_code == 405
    # where a reload or a new sign-in lands: back at the desk, and nothing is sold
    assert cashier.get(address("counter:sell", order)).url == reverse("counter:home")
    assert CreditOrder.objects.count() == 1


def test_every_page_names_its_right(shop):
    order = shop.sell(0, 100)
    for name in {**PAGES, **DEEDS}:
        assert resolve(address(name, order)).func.right in PAGES.get(name, {DEEDS.get(name)})
