"""The two papers: what stands on them, in which sizes, and that every print is an original or a marked copy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from prewatt.office.operators.models import OperationLog
from prewatt.office.vending.models import Receipt

SIZES = ("80", "a5", "241")


def shown(client, number, size="80"):
    return client.get(reverse("counter:receipt", args=[number]), {"size": size}).content.decode()


def printed(client, number, size="80"):
    return client.post(reverse("counter:print", args=[number]), {"size": size}).content.decode()


@pytest.mark.parametrize("size", SIZES)
def test_the_receipt_of_money_says_everything_a_receipt_must(shop, cashier, size):
    order = shop.sell(0, 1005)
    paper = shown(cashier, order.number, size)
    for words in (
        "云岫物业", "Receipt of money", order.number, "2026-11-23 09:00:00", "A-101", "老何小面店", "139****5678",
        "A-101 表", "260000001000", "¥1,005.00", "壹仟零伍元整", "cash", "王芳", "一号窗口", "021-5555 0000", "Seal",
        "The proof of credit follows",
    ):  # fmt: skip
        assert words in paper, words
    assert "13912345678" not in paper


@pytest.mark.parametrize("size", SIZES)
def test_the_proof_of_credit_shows_count_and_credit_before_and_after(shop, cashier, size):
    order = shop.deliver(shop.sell(0, 100))
    paper = shown(cashier, f"{order.number}-P", size)
    for words in (
        "Proof of credit",
        order.number,
        ">6<",
        ">7<",
        "¥123.45",
        "¥223.45",
        "¥200.00",
        "壹佰元整",
        "09:00:04",
    ):
        assert words in paper, words


@pytest.mark.parametrize("size", SIZES)
def test_each_size_brings_its_own_page(shop, cashier, size):
    order = shop.sell(0, 100)
    paper = shown(cashier, order.number, size)
    assert f"slip--{size}" in paper
    sheet = finders.find(f"console/counter/paper-{size}.css")
    assert sheet is not None
    assert f"paper-{size}.css" in paper
    width = {"80": "80mm", "a5": "210mm", "241": "241mm"}[size]
    assert re.search(rf"@page\s*{{[^}}]*size:\s*{width}", Path(sheet).read_text("utf-8"))


def test_the_size_is_remembered(shop, cashier):
    order = shop.sell(0, 100)
    shown(cashier, order.number, "a5")
    again = cashier.get(reverse("counter:receipt", args=[order.number])).content.decode()
    assert "slip--a5" in again
    assert "slip--80" in shown(cashier, order.number, "nonsense")


def test_three_parts_are_named_on_the_wide_form(shop, cashier):
    order = shop.sell(0, 100)
    assert "Part 3: accounts" in shown(cashier, order.number, "241")
    assert "Part 3: accounts" not in shown(cashier, order.number, "a5")


def test_looking_prints_nothing(shop, cashier):
    order = shop.sell(0, 100)
    paper = shown(cashier, order.number)
    assert "is-released" not in paper
    assert not OperationLog.objects.filter(action="receipt.print").exists()


def test_the_first_print_is_the_original_and_later_ones_are_marked_copies(shop, cashier):
    order = shop.sell(0, 100)
    first, second, third = (printed(cashier, order.number) for _ in range(3))
    assert "is-released" in first
    assert "COPY" not in first
    assert "COPY · print 2" in second
    assert "COPY · print 3" in third
    assert "COPY · print 4" in shown(cashier, order.number)


def test_every_print_is_in_the_log(shop, cashier):
    order = shop.sell(0, 100)
    printed(cashier, order.number, "a5")
    printed(cashier, order.number, "80")
    rows = list(OperationLog.objects.filter(action="receipt.print").order_by("pk"))
    assert [(row.operator, row.subject, row.data) for row in rows] == [
        (cashier.operator, order.number, {"size": "a5", "copy": 0}),
        (cashier.operator, order.number, {"size": "80", "copy": 1}),
    ]


def test_the_two_papers_are_counted_apart(shop, cashier):
    order = shop.deliver(shop.sell(0, 100))
    printed(cashier, order.number)
    assert "COPY" not in printed(cashier, f"{order.number}-P")


def test_a_paper_stays_what_it_was_when_the_building_changes(shop, cashier):
    from tests.office import factories

    order = shop.sell(0, 100)
    factories.make_site(company="新的物业公司")
    paper = shown(cashier, order.number)
    assert "云岫物业" in paper
    assert "新的物业公司" not in paper


def test_an_old_paper_with_an_unknown_way_of_paying_still_shows(shop, cashier):
    order = shop.sell(0, 100)
    paper = Receipt.objects.get(order=order)
    strange = paper.body | {"method": "cheque", "phone": "", "hotline": ""}
    Receipt(kind="money", number="OLD-1", order=order, counter=shop.till, at=paper.at, body=strange).save(
        force_insert=True
    )
    assert "cheque" in shown(cashier, "OLD-1")


@pytest.mark.parametrize("name", ["receipt", "print"])
def test_a_paper_of_another_building_is_not_found(shop, browser, name):
    order = shop.sell(2, 100)
    client = browser("cashier", groups=(shop.floors[0],))
    address = reverse(f"counter:{name}", args=[order.number])
    assert (client.get(address) if name == "receipt" else client.post(address)).status_code == 404
    assert not OperationLog.objects.filter(action="receipt.print").exists()


def test_papers_need_their_right(shop, browser):
    order = shop.sell(0, 100)
    for role in ("auditor", "engineer"):
        client = browser(role)
        assert client.get(reverse("counter:receipt", args=[order.number])).status_code == 403
        assert client.post(reverse("counter:print", args=[order.number])).status_code == 403


def test_papers_are_in_chinese(shop, browser):
    order = shop.deliver(shop.sell(0, 100))
    client = browser("cashier", language="zh-hans")
    assert "收款收据" in shown(client, order.number, "a5")
    paper = shown(client, f"{order.number}-P", "a5")
    for words in ("到账凭证", "金额（大写）", "人民币", "售电前", "售电后", "收款单位盖章"):
        assert words in paper


@pytest.mark.parametrize("size", SIZES)
def test_the_receipt_of_a_cancelled_order_is_void(shop, cashier, size):
    order = shop.sell(0, 100)
    assert "VOID" not in shown(cashier, order.number, size)
    cashier.post(reverse("counter:cancel", args=[order.number]))
    for paper in (shown(cashier, order.number, size), printed(cashier, order.number, size)):
        assert "VOID · money given back" in paper
        assert "This receipt proves no payment." in paper
        assert "original" not in paper
