"""Lists of the estate: filtered, searched, sorted, paged, exported, and only what the operator may see."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook

from prewatt.office.operators.models import OperationLog
from prewatt.office.readings.models import GatewayState, MeterState
from tests.office import factories

LISTS = ("groups", "gateways", "lines", "meters", "premises")


def body(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_what_there_is(client, building, name) -> None:
    names = {"groups": "A区 1层", "gateways": "B区网关", "lines": "A区总线", "meters": "B-102 表", "premises": "A-101"}
    response = client.get(f"/system/{name}/")
    assert response.status_code == 200
    assert names[name] in body(response)


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_leads_to_the_import(client, name) -> None:
    assert "/system/import/" in body(client.get(f"/system/{name}/"))


@pytest.mark.parametrize("name", LISTS)
def test_every_heading_sorts_both_ways(client, building, name) -> None:
    listing = client.get(f"/system/{name}/").context["listing"]
    keys = [column.key for column in listing.columns if column.sort]
    assert keys
    for key in keys:
        assert client.get(f"/system/{name}/?sort={key}").status_code == 200
        assert client.get(f"/system/{name}/?sort=-{key}").status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_every_filter_value_is_taken(client, building, name) -> None:
    listing = client.get(f"/system/{name}/").context["listing"]
    for control in listing.controls:
        for value, _words in control["options"]:
            assert client.get(f"/system/{name}/", {control["name"]: value}).status_code == 200


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "query", ["page=99", "page=x", "per=7", "sort=nothing", "zone=abc", "group=0x1", "use_state=?", "q=%00"]
)
def test_a_strange_address_is_no_error(client, building, name, query) -> None:
    assert client.get(f"/system/{name}/?{query}").status_code == 200


def test_a_filter_is_a_chip_that_takes_itself_off(client, building) -> None:
    response = client.get("/system/premises/", {"group": building.zones[0].pk, "q": "铺1"})
    listing = response.context["listing"]
    assert [row.number for row in listing.page] == ["A-101"]
    assert len(listing.chips) == 2
    assert all("group=" not in chip["href"] or "q=" not in chip["href"] for chip in listing.chips)


def test_units_of_a_group_are_those_of_its_floors_too(client, building) -> None:
    rows = client.get("/system/premises/", {"group": building.zones[1].pk}).context["listing"].page
    assert [row.number for row in rows] == ["B-101", "B-102"]


def test_groups_stand_as_a_tree(client, building) -> None:
    rows = client.get("/system/groups/").context["listing"].page
    assert [row.name for row in rows] == ["A区", "A区 1层", "B区", "B区 1层"]
    assert [row.depth for row in rows] == [0, 1, 0, 1]


def test_htmx_gets_the_table_alone(client, building) -> None:
    page = client.get("/system/meters/?q=A-101", headers={"HX-Request": "true", "HX-Target": "list-results"})
    assert body(page).lstrip().startswith('<div id="list-results"')
    assert "<html" not in body(page)


def test_the_export_holds_what_is_filtered_and_is_logged(client, building) -> None:
    response = client.get("/system/premises/", {"q": "A-", "export": "xlsx"})
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(response.streaming_content)))
    rows = book.get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows[1:]] == ["A-101", "A-102"]
    entry = OperationLog.objects.filter(action="list.export").latest("pk")
    assert entry.operator == client.operator
    assert entry.data == {"rows": 2, "filters": {"q": "A-"}}


def test_an_exported_cell_is_never_a_formula(client, site) -> None:
    factories.make_premises(number="=1+1", name="@SUM(A1)")
    response = client.get("/system/premises/?export=xlsx")
    rows = (
        CalamineWorkbook.from_filelike(io.BytesIO(b"".join(response.streaming_content)))
        .get_sheet_by_index(0)
        .to_python()
    )
    assert rows[1][:2] == ["=1+1", "@SUM(A1)"]


def test_without_the_right_there_is_no_export(browser, building) -> None:
    """A role that sees the estate but may not take it along."""
    from prewatt.office.operators import services

    role = services.save_role(instance=None, name="viewer", rights=["estate.view"], by=None, at=factories.AT)
    client = browser()
    client.operator.roles.set([role])
    assert "export=xlsx" not in body(client.get("/system/meters/"))
    assert client.get("/system/meters/?export=xlsx").status_code == 403
    assert client.get("/system/export/").status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_a_list_ends_at_the_operators_part_of_the_building(browser, building, name) -> None:
    client = browser("manager", groups=(building.zones[0],))
    text = body(client.get(f"/system/{name}/"))
    assert "A区" in text or "A-10" in text
    assert "B区" not in text
    assert "B-10" not in text


def test_a_list_of_many_rows_costs_a_fixed_number_of_queries(client, building, django_assert_max_num_queries) -> None:
    line = building.lines[0]
    for _ in range(20):
        factories.make_meter(line=line)
    with django_assert_max_num_queries(16):
        client.get("/system/meters/?per=100")


def test_names_cannot_bring_markup(client, site) -> None:
    factories.make_premises(number="<b>1</b>", name='"><script>alert(1)</script>')
    text = body(client.get("/system/premises/"))
    assert "<script>alert" not in text
    assert "<b>1</b>" not in text


@pytest.mark.parametrize("name", LISTS)
def test_a_click_on_a_row_opens_that_row(client, building, name) -> None:
    """The script opens the row's own link for tables of the class l-opens."""
    text = body(client.get(f"/system/{name}/"))
    assert 'class="table table-hover l-table l-opens"' in text
    assert text.count('class="l-open"') == client.get(f"/system/{name}/").context["listing"].page.paginator.count


def test_a_gateways_last_answer_is_the_newest_of_its_meters(client, building) -> None:
    meter = building.meters[0]
    gateway = meter.line.gateway
    hours_ago = factories.AT - timedelta(hours=5)
    GatewayState.objects.create(gateway=gateway, contact="ok", since=hours_ago, last_good_at=hours_ago)
    MeterState.objects.create(meter=meter, at=factories.AT, last_good_at=factories.AT)
    facts = {
        str(fact.label): str(fact.value) for fact in client.get(f"/system/gateways/{gateway.pk}/").context["facts"]
    }
    assert factories.AT.isoformat() in facts["Last good answer"]
    assert hours_ago.isoformat() in facts["Since"]
