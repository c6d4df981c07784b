"""Keeping the estate: forms by field, retiring without loose ends, the site's defaults, and a log that shows the change."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from prewatt.core.errors import Refusal
from prewatt.office.estate import selectors, services
from prewatt.office.estate.errors import FormRefusal
from prewatt.office.estate.models import Gateway, Meter, Premises, Site
from prewatt.office.operators.models import OperationLog
from tests.office import factories as make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": ""}, "name"),
        ({"kind": "telepathy"}, "kind"),
        ({"host": ""}, "host"),
        ({"host": "http://10.0.0.1"}, "host"),
        ({"port": None}, "port"),
        ({"port": 70_000}, "port"),
        ({"kind": "serial"}, "device"),
    ],
)
def test_a_bad_field_of_a_gateway_is_named(fields: dict[str, object], named: str) -> None:
    with pytest.raises(FormRefusal) as refused:
        make.make_gateway(**fields)
    assert list(refused.value.errors) == [named]


def test_two_gateways_never_share_an_address() -> None:
    make.make_gateway(host="10.0.0.1", port=4001)
    with pytest.raises(FormRefusal) as refused:
        make.make_gateway(host="10.0.0.1", port=4001, kind="modbus-tcp")
    assert list(refused.value.errors) == ["port"]
    make.make_gateway(host="", port=None, kind="serial", device="/dev/ttyUSB0")


def test_a_channel_carries_one_line() -> None:
    line = make.make_line()
    with pytest.raises(FormRefusal) as refused:
        make.make_line(gateway=line.gateway, channel=line.channel)
    assert list(refused.value.errors) == ["channel"]


def test_a_name_is_taken_once_a_kind() -> None:
    make.make_gateway(name="同名")
    make.make_line(name="同名")
    with pytest.raises(FormRefusal) as refused:
        make.make_gateway(name=" 同名 ")
    assert list(refused.value.errors) == ["name"]


def test_a_refused_form_changes_neither_the_row_nor_the_object_in_hand() -> None:
    gateway = make.make_gateway(name="门")
    with pytest.raises(FormRefusal):
        services.save_gateway(instance=gateway, by=None, at=make.AT, name="窗", port=0)
    assert (gateway.name, Gateway.objects.get(pk=gateway.pk).name) == ("门", "门")


def test_only_what_changed_is_written_and_logged() -> None:
    operator, meter = make.make_operator("engineer"), make.make_meter(cabinet="旧柜")
    Meter.objects.filter(pk=meter.pk).update(serial="seen-by-another")
    services.save_meter(instance=meter, by=operator, at=make.AT, cabinet="新柜", name=meter.name)
    assert Meter.objects.get(pk=meter.pk).serial == "seen-by-another"
    entry = OperationLog.objects.get(action="estate.meter.edit")
    assert (entry.operator, entry.subject, entry.summary) == (operator, meter.name, "cabinet")
    assert (entry.data["before"], entry.data["after"]) == ({"cabinet": "旧柜"}, {"cabinet": "新柜"})


def test_saving_what_is_there_already_writes_no_line() -> None:
    meter = make.make_meter()
    lines = OperationLog.objects.count()
    services.save_meter(instance=meter, by=None, at=make.AT, name=meter.name)
    assert OperationLog.objects.count() == lines


def test_what_still_carries_something_is_not_retired() -> None:
    zone = make.make_group()
    gateway = make.make_gateway(zone=zone)
    line = make.make_line(gateway=gateway)
    unit = make.make_premises(group=zone)
    meter = make.make_meter(line=line, premises=unit)
    make.make_agreement(meter=meter)
    for thing in (zone, gateway, line, unit, meter):
        with pytest.raises(Refusal) as refused:
            services.retire(instance=thing, by=None, at=make.AT)
        assert refused.value.code == "in-use"
        assert refused.value.params["examples"]
    spare = make.make_meter(line=line)
    services.retire(instance=spare, by=None, at=make.AT)
    assert Meter.objects.get(pk=spare.pk).retired_at == make.AT
    with pytest.raises(FormRefusal):
        services.save_meter(instance=meter, by=None, at=make.AT, premises=make.make_premises())


def test_nothing_new_leans_on_what_is_retired() -> None:
    line = make.make_line()
    services.retire(instance=line, by=None, at=make.AT)
    with pytest.raises(FormRefusal) as refused:
        make.make_meter(line=make.Line.objects.get(pk=line.pk))
    assert list(refused.value.errors) == ["line"]


def test_a_retired_unit_number_comes_back() -> None:
    unit = make.make_premises(number="A301", use="办公")
    services.retire(instance=unit, by=None, at=make.AT)
    back = make.make_premises(number="A301", use="餐饮")
    assert (back.pk, Premises.objects.get().use, Premises.objects.get().retired_at) == (unit.pk, "餐饮", None)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": ""}, "name"),
        ({"price": -1}, "price"),
        ({"alarm_1_fen": 100, "alarm_2_fen": 200}, "alarm_2_fen"),
        ({"sale_min_fen": 500, "sale_max_fen": 400}, "sale_max_fen"),
        ({"sale_min_fen": 0}, "sale_min_fen"),
        ({"read_interval_s": 10}, "read_interval_s"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
    ],
)
def test_a_bad_default_of_the_site_is_named(fields: dict[str, object], named: str) -> None:
    make.make_site()
    with pytest.raises(FormRefusal) as refused:
        make.make_site(**fields)
    assert list(refused.value.errors) == [named]


def test_the_site_has_one_row_and_defaults_before_it_has_any() -> None:
    assert selectors.site().read_interval_s == 1800
    make.make_site(price=9_000)
    services.ensure_site(name="另一个", at=make.AT)
    assert (Site.objects.count(), selectors.site().name, selectors.site().price) == (1, "测试大厦", 9_000)


@pytest.mark.parametrize("number", ["A/../B", "..", "/A", "A/", "A//1", "A/live", "A/read-now", "A\n1"])
def test_a_unit_number_that_no_page_can_be_opened_by_is_refused(number: str) -> None:
    with pytest.raises(FormRefusal) as refused:
        services.save_premises(instance=None, by=None, at=make.AT, number=number)
    assert list(refused.value.errors) == ["number"]


@pytest.mark.parametrize("number", ["1/2", "甲 101", "B-1?#%", "live", "3.1", "1栋\u3000101"])
def test_any_other_unit_number_opens_its_page(number: str, client: Client) -> None:
    made = services.save_premises(instance=None, by=None, at=make.AT, number=number)
    make.make_site()
    client.force_login(make.make_operator("manager"))
    assert client.get(reverse("units:page", args=[made.number])).status_code == 200
