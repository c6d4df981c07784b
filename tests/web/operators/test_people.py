"""Operators and roles: made with a password shown once; nobody grants what they lack; the last administrator stays."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password

from prewatt.office.estate.models import OperatorScope
from prewatt.office.operators import services
from prewatt.office.operators.models import OperationLog, Operator, Role
from prewatt.office.operators.rights import RIGHTS
from tests.office import factories


def role(code: str) -> Role:
    return Role.objects.get(code=code)


def new_operator(**changes):
    return {
        "username": "wang",
        "name": "王芳",
        "phone": "",
        "language": "zh-hans",
        "roles": [role("cashier").pk],
        **changes,
    }


def half_administrator(browser):
    """Somebody who edits operators and roles but holds no right of the counter."""
    rights = [code for code in RIGHTS if not code.startswith("vend.")]
    made = services.save_role(instance=None, name="half", rights=rights, by=None, at=factories.AT)
    client = browser()
    client.operator.roles.set([made])
    return client


def test_a_new_operator_gets_a_password_that_is_shown_once(client) -> None:
    page = client.post("/system/operators/new/", new_operator())
    made = Operator.objects.get(username="wang")
    password = page.context["password"]
    assert check_password(password, made.password)
    assert made.must_change_password
    assert password in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    assert password not in client.get(f"/system/operators/{made.pk}/").content.decode()
    assert not any(password in str(row.data) + row.summary for row in OperationLog.objects.all())


def test_sent_twice_one_operator_is_made(client) -> None:
    data = new_operator(once="t" * 20)
    client.post("/system/operators/new/", data)
    again = client.post("/system/operators/new/", data, follow=True)
    assert Operator.objects.filter(username="wang").count() == 1
    assert "made already" in again.content.decode()


def test_what_is_wrong_stands_at_its_field_and_stays(client) -> None:
    response = client.post(
        "/system/operators/new/", new_operator(username=client.operator.username, roles=[], phone="138")
    )
    assert response.status_code == 422
    assert {"roles"} <= set(response.context["form"].errors)
    assert 'value="138"' in response.content.decode()
    taken = client.post("/system/operators/new/", new_operator(username=client.operator.username))
    assert "username" in taken.context["form"].errors


def test_an_operator_is_limited_to_a_building(client, building) -> None:
    client.post("/system/operators/new/", new_operator(groups=[building.zones[0].pk]))
    made = Operator.objects.get(username="wang")
    assert list(OperatorScope.objects.filter(operator=made).values_list("group", flat=True)) == [building.zones[0].pk]
    edit = {"name": "王芳", "phone": "", "roles": [role("cashier").pk], "groups": [building.zones[1].pk]}
    client.post(f"/system/operators/{made.pk}/", edit)
    assert list(OperatorScope.objects.filter(operator=made).values_list("group", flat=True)) == [building.zones[1].pk]


def test_nobody_gives_a_role_with_rights_they_lack(browser) -> None:
    client = half_administrator(browser)
    text = client.get("/system/operators/new/").content.decode()
    assert "you cannot give it" in text
    refused = client.post("/system/operators/new/", new_operator())
    assert "roles" in refused.context["form"].errors
    assert not Operator.objects.filter(username="wang").exists()


def test_an_account_with_more_rights_is_out_of_reach(browser) -> None:
    cashier = factories.make_operator("cashier")
    client = half_administrator(browser)
    page = client.get(f"/system/operators/{cashier.pk}/")
    assert page.context["lacking"]
    assert not page.context["editable"]
    before = cashier.password
    client.post(f"/system/operators/{cashier.pk}/password/")
    client.post(f"/system/operators/{cashier.pk}/active/", {"active": "0"})
    client.post(f"/system/operators/{cashier.pk}/", {"name": "x", "roles": [role("auditor").pk]})
    cashier.refresh_from_db()
    assert (cashier.password, cashier.is_active, cashier.name) == (before, True, cashier.name)
    assert cashier.name != "x"


def test_letting_out_and_in_again(client) -> None:
    cashier = factories.make_operator("cashier")
    for wanted in ("0", "0", "1"):
        client.post(f"/system/operators/{cashier.pk}/active/", {"active": wanted})
        cashier.refresh_from_db()
        assert cashier.is_active == (wanted == "1")
    assert OperationLog.objects.filter(action="operators.deactivate").count() == 1


def test_nobody_locks_themselves_out(client) -> None:
    page = client.post(f"/system/operators/{client.operator.pk}/active/", {"active": "0"}, follow=True)
    assert "yourself" in page.content.decode()
    client.operator.refresh_from_db()
    assert client.operator.is_active


def test_a_new_password_is_shown_once_and_the_old_one_ends(client) -> None:
    cashier = factories.make_operator("cashier")
    page = client.post(f"/system/operators/{cashier.pk}/password/", {"once": "p" * 20})
    cashier.refresh_from_db()
    assert check_password(page.context["password"], cashier.password)
    assert not check_password(factories.PASSWORD, cashier.password)
    assert client.post(f"/system/operators/{cashier.pk}/password/", {"once": "p" * 20}).status_code == 302
    kept = cashier.password
    cashier.refresh_from_db()
    assert cashier.password == kept


def test_a_role_is_made_from_another_and_edited(client) -> None:
    page = client.get(f"/system/roles/new/?from={role('cashier').pk}")
    assert {box.code for _door, boxes in page.context["grid"] for box in boxes if box.ticked} == set(
        role("cashier").rights
    )
    client.post("/system/roles/new/", {"name": "早班", "rights": ["wall.view", "vend.sell"]})
    made = Role.objects.get(name="早班")
    client.post(f"/system/roles/{made.pk}/", {"name": "早班", "rights": ["wall.view"]})
    made.refresh_from_db()
    assert made.rights == ["wall.view"]


def test_a_builtin_role_is_fixed(client) -> None:
    builtin = role("cashier")
    page = client.get(f"/system/roles/{builtin.pk}/")
    assert page.context["fixed"]
    refused = client.post(f"/system/roles/{builtin.pk}/", {"name": "x", "rights": []})
    assert refused.status_code == 422
    builtin.refresh_from_db()
    assert "vend.sell" in builtin.rights


def test_rights_one_lacks_are_grey_and_cannot_be_given(browser) -> None:
    client = half_administrator(browser)
    boxes = {box.code: box for _door, found in client.get("/system/roles/new/").context["grid"] for box in found}
    assert boxes["vend.sell"].shut
    assert not boxes["wall.view"].shut
    refused = client.post("/system/roles/new/", {"name": "x", "rights": ["vend.sell"]})
    assert refused.context["form"].errors["rights"]
    assert not Role.objects.filter(name="x").exists()


def test_a_right_nobody_knows_is_refused(client) -> None:
    assert client.post("/system/roles/new/", {"name": "x", "rights": ["root"]}).status_code == 422


def test_whoever_may_only_look_cannot_change(browser) -> None:
    client = browser("auditor")
    target = factories.make_operator("cashier")
    assert client.get(f"/system/operators/{target.pk}/").status_code == 200
    assert client.post(f"/system/operators/{target.pk}/", {"name": "x"}).status_code == 403
    assert client.post(f"/system/roles/{role('cashier').pk}/", {"name": "x"}).status_code == 403
    assert client.get("/system/operators/new/").status_code == 403


@pytest.mark.parametrize("address", ["/system/operators/", "/system/roles/", "/system/log/"])
def test_a_single_operator_is_told_so(client, address) -> None:
    assert "Only one operator exists" in client.get(address).content.decode()
    factories.make_operator("cashier")
    assert "Only one operator exists" not in client.get(address).content.decode()


@pytest.mark.parametrize("address", ["/system/operators/", "/system/roles/", "/system/log/"])
def test_lists_sort_filter_and_export(client, address) -> None:
    listing = client.get(address).context["listing"]
    for column in listing.columns:
        if column.sort:
            assert client.get(f"{address}?sort=-{column.key}").status_code == 200
    for control in listing.controls:
        for value, _words in control.get("options", [("2026-11-23", "")]):
            assert client.get(address, {control["name"]: value}).status_code == 200
    assert client.get(f"{address}?export=xlsx")["Content-Type"].endswith("sheet")
