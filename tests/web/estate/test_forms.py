"""Forms of the estate: errors stand at their field, what was typed stays, sending twice is harmless, rights hold."""

from __future__ import annotations

import pytest

from prewatt.office.estate.models import Gateway, Line, Meter, Premises, Site, UnitGroup
from prewatt.office.operators.models import OperationLog
from tests.office import factories

NEW = {
    "groups": {"name": "C区", "kind": "zone", "place": "0"},
    "gateways": {"name": "新网关", "kind": "transparent", "host": "10.0.0.9", "port": "4001"},
    "premises": {"number": "C-1", "name": "铺", "area_cm2": "88.5"},
}
MODELS = {"groups": UnitGroup, "gateways": Gateway, "premises": Premises}


def meter_form(building, **changes):
    return {
        "name": "新表", "line": building.lines[0].pk, "address": "9", "profile": factories.SINGLE_PHASE, "serial": "",
        "role": "prepaid", "ct": "1", "pt": "1", "premises": "", **changes,
    }  # fmt: skip


@pytest.mark.parametrize("name", NEW)
def test_a_thing_is_made_and_shown(client, site, name) -> None:
    response = client.post(f"/system/{name}/new/", NEW[name], follow=True)
    assert response.status_code == 200
    made = MODELS[name].objects.get()
    assert str(made) in response.content.decode()
    assert response.redirect_chain[-1][0].endswith(f"/system/{name}/{made.pk}/")


def test_an_area_is_kept_in_whole_square_centimetres(client, site) -> None:
    client.post("/system/premises/new/", NEW["premises"])
    premises = Premises.objects.get()
    assert premises.area_cm2 == 885_000
    assert b'value="88.50"' in client.get(f"/system/premises/{premises.pk}/edit/").content


@pytest.mark.parametrize("name", NEW)
def test_sent_twice_it_is_made_once(client, site, name) -> None:
    data = {**NEW[name], "once": "a" * 20}
    first = client.post(f"/system/{name}/new/", data)
    second = client.post(f"/system/{name}/new/", data)
    assert first["Location"] == second["Location"]
    assert MODELS[name].objects.count() == 1


def test_an_error_stands_at_its_field_and_what_was_typed_stays(client, building) -> None:
    taken = building.meters[0]
    response = client.post("/system/meters/new/", meter_form(building, name=taken.name, address="400", premises="Z-9"))
    assert response.status_code == 422
    form = response.context["form"]
    assert {"address", "premises"} <= set(form.errors)
    text = response.content.decode()
    assert 'value="400"' in text
    assert 'value="Z-9"' in text


def test_the_rules_of_the_line_are_errors_of_their_fields(client, building) -> None:
    taken = building.meters[0]
    response = client.post(
        "/system/meters/new/", meter_form(building, address=str(taken.address), profile=factories.THREE_PHASE)
    )
    assert {"address", "profile"} <= set(response.context["form"].errors)
    assert taken.name in str(response.context["form"].errors["address"])


def test_the_33rd_device_is_refused_at_the_line(client, building) -> None:
    for address in range(3, 33):
        factories.make_meter(line=building.lines[0], address=address)
    response = client.post("/system/meters/new/", meter_form(building, address="99"))
    assert "line" in response.context["form"].errors
    assert Meter.objects.filter(line=building.lines[0]).count() == 32


def test_a_line_is_edited_and_the_change_is_logged(client, building) -> None:
    line = building.lines[0]
    data = {
        "name": "改名线",
        "gateway": line.gateway_id,
        "channel": "1",
        "baud": "19200",
        "parity": "E",
        "log_frames": "on",
    }
    page = client.post(f"/system/lines/{line.pk}/edit/", data, follow=True)
    line.refresh_from_db()
    assert (line.name, line.baud, line.parity, line.log_frames, line.mixed) == ("改名线", 19200, "E", True, False)
    assert OperationLog.objects.filter(action="estate.line.edit", subject="改名线").exists()
    assert "line edited" in page.content.decode()


def test_a_meter_is_bound_by_typing_its_unit_number(client, building) -> None:
    client.post("/system/meters/new/", meter_form(building, premises=" A-102 "))
    assert Meter.objects.get(name="新表").premises.number == "A-102"


@pytest.mark.parametrize("name", ["groups", "gateways", "lines", "meters", "premises"])
def test_retiring_asks_first_and_refuses_while_in_use(client, building, name) -> None:
    things = {
        "groups": building.zones, "gateways": building.gateways, "lines": building.lines,
        "meters": building.meters, "premises": building.units,
    }  # fmt: skip
    one = things[name][0]
    assert client.get(f"/system/{name}/{one.pk}/retire/").status_code == 200
    one.refresh_from_db()
    assert one.retired_at is None
    response = client.post(f"/system/{name}/{one.pk}/retire/", follow=True)
    one.refresh_from_db()
    if name == "meters":
        assert one.retired_at is not None
        assert one.name in client.get("/system/meters/?use_state=retired").content.decode()
        assert client.post(f"/system/meters/{one.pk}/retire/").status_code == 302
    else:
        assert response.status_code == 409
        assert one.retired_at is None


@pytest.mark.parametrize("name", ["groups", "gateways", "lines", "meters", "premises"])
def test_a_page_says_what_a_thing_is_and_what_hangs_on_it(client, building, name) -> None:
    things = {
        "groups": (building.floors[0], "A-101"), "gateways": (building.gateways[0], "A区总线"),
        "lines": (building.lines[0], "A-101 表"), "meters": (building.meters[0], "A区总线"),
        "premises": (building.units[0], "A-101 表"),
    }  # fmt: skip
    one, shown = things[name]
    text = client.get(f"/system/{name}/{one.pk}/").content.decode()
    assert str(one) in text
    assert shown in text


def test_a_list_within_a_page_answers_htmx_with_the_table(client, building) -> None:
    response = client.get(
        f"/system/lines/{building.lines[0].pk}/?sort=address",
        headers={"HX-Request": "true", "HX-Target": "meters-results"},
    )
    assert response.content.decode().lstrip().startswith('<div id="meters-results"')


@pytest.mark.parametrize("verb", ["", "edit/", "retire/"])
def test_what_lies_in_the_other_building_is_not_there(browser, building, verb) -> None:
    client = browser("manager", groups=(building.zones[0],))
    for name, things in (("gateways", building.gateways), ("meters", building.meters), ("premises", building.units)):
        assert client.get(f"/system/{name}/{things[0].pk}/{verb}").status_code == 200
        assert client.get(f"/system/{name}/{things[-1].pk}/{verb}").status_code == 404


def test_a_meter_cannot_be_moved_into_the_other_building(browser, building) -> None:
    client = browser("manager", groups=(building.zones[0],))
    response = client.post("/system/meters/new/", meter_form(building, line=building.lines[1].pk, premises="B-101"))
    assert {"line", "premises"} <= set(response.context["form"].errors)
    assert not Meter.objects.filter(name="新表").exists()


def test_health_of_a_line_is_shown_and_a_bad_one_found(client, building) -> None:
    from prewatt.office.readings.models import LineState

    good, bad = building.lines
    LineState.objects.create(line=good, exchanges=1000, timeouts=1)
    LineState.objects.create(line=bad, exchanges=1000, timeouts=50, crc_errors=10)
    rows = client.get("/system/lines/?health=troubled").context["listing"].page
    assert [row.name for row in rows] == [bad.name]
    assert "6.0 %" in client.get(f"/system/lines/{bad.pk}/").content.decode()


def test_contact_of_gateways_and_meters_can_be_filtered(client, building) -> None:
    from prewatt.office.readings.models import GatewayState, MeterState

    GatewayState.objects.create(gateway=building.gateways[0], contact="out")
    MeterState.objects.update_or_create(meter=building.meters[1], defaults={"contact": "out"})
    assert [row.pk for row in client.get("/system/gateways/?contact=out").context["listing"].page] == [
        building.gateways[0].pk
    ]
    assert [row.pk for row in client.get("/system/meters/?contact=out").context["listing"].page] == [
        building.meters[1].pk
    ]
    assert client.get("/system/gateways/?contact=unknown").context["listing"].page.paginator.count == 1


def test_defaults_are_kept_in_fen_and_errors_stand_at_their_field(client, site) -> None:
    page = client.get("/system/defaults/")
    data = {name: field.value() for name, field in ((n, page.context["form"][n]) for n in page.context["form"].fields)}
    assert client.post("/system/defaults/", {**data, "alarm_1_fen": "66.5", "price": "0.7312"}).status_code == 302
    changed = Site.objects.get()
    assert (changed.alarm_1_fen, changed.price) == (6650, 7312)
    refused = client.post("/system/defaults/", {**data, "alarm_1_fen": "1.005", "alarm_2_fen": "x", "sale_min_fen": ""})
    assert refused.status_code == 422
    assert {"alarm_1_fen", "alarm_2_fen", "sale_min_fen"} <= set(refused.context["form"].errors)
    crossed = client.post("/system/defaults/", {**data, "alarm_1_fen": "10", "alarm_2_fen": "20"})
    assert "alarm_2_fen" in crossed.context["form"].errors
    assert b'value="20"' in crossed.content


def test_the_whole_estate_goes_out_and_comes_in_again(client, building) -> None:
    from prewatt.office.customers import workbook

    body = client.get("/system/export/").content
    book = workbook.read(body)
    assert workbook.check(book) == []
    assert workbook.row_counts(book)["meters"] == 4
    assert OperationLog.objects.filter(action="estate.export").exists()


def test_a_name_of_a_line_that_is_gone_can_be_used_again(client, building) -> None:
    line = factories.make_line(gateway=building.gateways[0], name="备用线")
    client.post(f"/system/lines/{line.pk}/retire/")
    data = {"name": "备用线", "gateway": building.gateways[0].pk, "channel": "2", "baud": "9600", "parity": "N"}
    assert client.post("/system/lines/new/", data).status_code == 302
    assert Line.objects.filter(name="备用线").count() == 2
