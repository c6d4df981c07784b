"""The connection diagram: devices in cable order, the joint named, the links of whoever looks, nothing sent twice."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from prewatt.core.supply import Contact
from prewatt.field.headend.store import LineCounters
from prewatt.office.readings.ingest import ingest
from prewatt.web.console.network.traffic import sparkline
from tests.office import factories

pytestmark = pytest.mark.django_db
PAGE = "/system/network/"


def page(client, **query: str) -> str:
    response = client.get(PAGE, query)
    assert response.status_code == 200
    return response.content.decode()


def test_a_line_silent_from_place_18_on_names_the_joint(client, chain, contact) -> None:
    contact(Contact.OK, *chain[:17])
    contact(Contact.OUT, *chain[17:])
    html = page(client)
    assert "Broken between device 17 and device 18" in html
    cut = html.index('class="net-cut"')
    assert html.index(">17</a>") < cut < html.index(">18</a>")
    assert "9层强电井" in html


def test_the_joint_is_named_in_chinese(browser, chain, contact) -> None:
    contact(Contact.OK, *chain[:17])
    contact(Contact.OUT, *chain[17:])
    client = browser("engineer")
    client.operator.language = "zh-hans"
    client.operator.save(update_fields=["language"])
    assert "断点在第 17 与 18 台之间" in page(client)


def test_scattered_silence_names_no_joint(client, chain, contact) -> None:
    contact(Contact.OK, *chain)
    contact(Contact.OUT, chain[3], chain[11])
    html = page(client)
    assert "net-fault" not in html
    assert html.count("net-device is-out") == 2


def test_a_line_on_which_nobody_answers_points_to_its_head(client, chain, contact) -> None:
    contact(Contact.OUT, *chain)
    assert "look at the gateway&#x27;s port" in page(client)


def test_behind_a_lost_gateway_nothing_is_said_of_the_cable(client, chain, contact) -> None:
    contact(Contact.OUT, chain[0].line.gateway, reason="refused-connection")
    contact(Contact.UNKNOWN, *chain)
    html = page(client)
    assert "the connection is refused" in html
    assert "net-fault" not in html


def test_devices_stand_in_the_order_of_the_cable_whatever_their_addresses(client, site) -> None:
    line = factories.make_line()
    for place, address in ((2, 7), (1, 9), (3, 1)):
        factories.make_meter(line=line, name=f"P{place}", place=place, address=address)
    assert re.findall(r"P\d · address \d", page(client)) == ["P1 · address 9", "P2 · address 7", "P3 · address 1"]


def test_each_links_to_what_its_visitor_may_open(browser, building, contact) -> None:
    meter = building.meters[0]
    engineer = page(browser("engineer"))
    assert reverse("units:page", args=[meter.premises.number]) in engineer
    assert reverse("lines:frames", args=[meter.line_id]) in engineer
    auditor = page(browser("auditor"))
    assert reverse("lines:frames", args=[meter.line_id]) not in auditor
    assert reverse("estate:line", args=[meter.line_id]) in auditor


def test_an_open_page_gets_nothing_while_nothing_changes(client, chain, contact) -> None:
    contact(Contact.OK, *chain)
    html = page(client)
    again = re.search(r'id="net"[^>]* hx-get="([^"]+)"', html)[1].replace("&amp;", "&")
    asked = {"headers": {"HX-Request": "true"}}
    assert client.get(again, **asked).status_code == 204
    contact(Contact.OUT, chain[4])
    changed = client.get(again, **asked)
    assert changed.status_code == 200
    assert changed.content.decode().lstrip().startswith('<div id="net"')


def test_figures_are_those_of_the_last_minutes(client, chain, contact, settings) -> None:
    contact(Contact.OK, *chain)
    now = settings.PREWATT_CLOCK.now()
    for seconds in (0, 15, 30):
        at_ms = round((now - timedelta(minutes=2) + timedelta(seconds=seconds)).timestamp() * 1000)
        ingest(counters=[LineCounters(chain[0].line_id, at_ms, 50, 4, 1, 0, 0, 970, 150, 320, 9000)])
    html = page(client)
    assert "200" in html
    assert "10.0 %" in html
    assert "150<small>/320 ms" in html
    health = client.get("/system/network/health/").content.decode()
    assert "97.0 %" in health
    assert "net-bad" in health


def test_one_zone_at_a_time(browser, building) -> None:
    client = browser("engineer")
    html = page(client, zone=str(building.zones[0].pk))
    assert "A区网关" in html
    assert "B区网关" not in html


def test_nobody_sees_the_other_part_of_the_building(browser, building) -> None:
    html = page(browser("engineer", groups=(building.zones[0],)))
    assert "A区总线" in html
    assert "B区" not in html


def test_a_building_without_gateways_says_what_to_do(client) -> None:
    assert "Bring in a building from Excel" in page(client)


@pytest.mark.parametrize("role", ["cashier", "finance"])
def test_it_is_not_for_everybody(browser, role) -> None:
    assert browser(role).get(PAGE).status_code == 403


def test_many_gateways_are_paged(client, site) -> None:
    for number in range(9):
        factories.make_gateway(name=f"网关 {number}")
    assert page(client).count('class="net-gateway ') == 8
    assert page(client, page="2").count('class="net-gateway ') == 1


def test_a_curve_stays_in_its_box() -> None:
    svg = sparkline([(0.0, 0), (0.5, 40), (1.0, 4000)], "failed")
    numbers = [tuple(map(float, pair.split(","))) for pair in re.findall(r"[\d.-]+,[\d.-]+", svg)]
    assert all(0 <= x <= 120 and 0 <= y <= 26 for x, y in numbers)
    assert "svg" not in sparkline([(0.5, 3)], "failed")
