"""The scan page: begun once, watched, stopped; what answered stands beside the estate and goes into the import."""

from __future__ import annotations

import pytest
from django.urls import reverse

from prewatt.field.headend.store import Found
from prewatt.office.controls import line_services, scanned, services
from prewatt.office.controls.models import ControlOrder
from prewatt.office.controls.scanned import Match
from prewatt.office.customers import workbook
from prewatt.office.estate.models import Line, Meter
from tests.office import factories

pytestmark = pytest.mark.django_db
SCANS = reverse("network:scans")
NK, THREE = factories.SINGLE_PHASE, factories.THREE_PHASE


@pytest.fixture
def line(site) -> Line:
    line = factories.make_line(name="一号线")
    for address in (1, 2, 3):
        factories.make_meter(
            line=line, name=f"表{address}号", address=address, serial=f"26000000000{address}", place=address
        )
    return line


def begin(client, line: Line, **fields: str):
    return client.post(SCANS, {"line": str(line.pk), "first": "1", "last": "9", "key": "k", **fields})


def tell(order: ControlOrder, *found: Found, asked: int = 9, ended: bool = True) -> None:
    at = factories.AT
    services.claim(leases=[(order.gateway_id, 1)], limit=5, at=order.at)
    line_services.progress(order_id=order.pk, token=1, asked=asked, found=found)
    if ended:
        services.done(order_id=order.pk, token=1, outcome="done", reason="", at=at)


FOUND = (
    Found(9600, "N", 1, NK, "", 7, "260000000001"),
    Found(9600, "N", 2, THREE, "", 5, "260000000099"),
    Found(9600, "N", 7, NK, "", 7, "260000000777"),
    Found(9600, "N", 8, "", "acrel-adf400l, acrel-adf400l-3p"),
    Found(9600, "N", 0, "dlt645-2007", "", -1, "000000001234"),
)


def test_a_scan_is_begun_once_and_watched(client, line) -> None:
    first = begin(client, line)
    order = ControlOrder.objects.get()
    assert first["Location"] == reverse("network:scan", args=[order.pk]) == begin(client, line)["Location"]
    page = client.get(first["Location"]).content.decode()
    assert "Waiting for the head-end" in page
    assert 'hx-trigger="every 1s"' in page
    tell(order, FOUND[0], asked=4, ended=False)
    part = client.get(first["Location"], headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="scan"')
    assert "4 of 9 questions" in part
    assert "表1号" in part
    tell(order)
    ended = client.get(first["Location"]).content.decode()
    assert "Finished" in ended
    assert "hx-trigger" not in ended.split('id="scan"')[1]


def test_what_answered_stands_beside_what_is_entered(client, line) -> None:
    begin(client, line)
    order = ControlOrder.objects.get()
    tell(order, *FOUND)
    rows = {(row.address, row.match) for row in scanned.rows(ControlOrder.objects.get(pk=order.pk))}
    assert rows == {
        (0, Match.NEW), (1, Match.KNOWN), (2, Match.OTHER), (3, Match.SILENT), (7, Match.NEW), (8, Match.NEW),
    }  # fmt: skip
    page = client.get(reverse("network:scan", args=[order.pk])).content.decode()
    for told in ("entered here: 表2号, 260000000002", "表3号 does not answer", "several fit", "260000000777"):
        assert told in page


def test_the_rows_can_be_imported(client, line) -> None:
    begin(client, line)
    order = ControlOrder.objects.get()
    tell(order, *FOUND[:3], FOUND[4])
    data = client.get(reverse("network:scan_rows", args=[order.pk])).content
    book = workbook.read(data)
    assert {(error.sheet, error.column) for error in workbook.check(book)} == {("meters", "profile")}  # a second kind
    Line.objects.filter(pk=line.pk).update(mixed=True)
    assert workbook.check(book) == []
    workbook.apply(book, by=None, at=factories.AT)
    meters = {meter.address: meter for meter in Meter.objects.filter(line=line, retired_at__isnull=True)}
    assert meters[7].serial == "260000000777"
    assert (meters[7].name, meters[7].profile) == ("一号线-07", NK)
    assert meters[1].name == "表1号"
    assert any(meter.serial == "000000001234" and meter.profile == "dlt645-2007" for meter in meters.values())


def test_a_scan_is_stopped(client, line) -> None:
    begin(client, line)
    order = ControlOrder.objects.get()
    client.post(reverse("network:scan_stop", args=[order.pk]))
    page = client.get(reverse("network:scan", args=[order.pk])).content.decode()
    assert "Ended early: stopped" in page


def test_speeds_are_offered_only_where_there_is_a_serial_port(client, line) -> None:
    assert "Speeds and parities" not in client.get(SCANS).content.decode()
    gateway = factories.make_gateway(kind="serial", host="", port=None, device="/dev/ttyUSB0")
    port = factories.make_line(gateway=gateway)
    assert "4800 8E1" in client.get(SCANS).content.decode()
    begin(client, port, settings=["9600N", "4800E"])
    assert ControlOrder.objects.get().body["settings"] == "9600N,4800E"
    refused = begin(client, line, settings=["4800E"], key="other")
    assert refused.status_code == 422
    assert "the speed is fixed" in refused.content.decode()


@pytest.mark.parametrize("fields", [{"first": "0"}, {"last": "248"}, {"first": "9", "last": "1"}, {"first": "x"}])
def test_nonsense_is_refused_with_a_word(client, line, fields) -> None:
    assert begin(client, line, **fields).status_code == 422
    assert not ControlOrder.objects.exists()


@pytest.mark.parametrize("role", ["manager", "cashier", "auditor", "finance"])
def test_scanning_is_the_engineers_work(browser, line, role) -> None:
    assert browser(role).get(SCANS).status_code == 403
    assert begin(browser(role), line).status_code == 403


def test_nobody_scans_in_the_other_part_of_the_building(browser, building) -> None:
    client = browser("engineer", groups=(building.zones[0],))
    assert begin(client, building.lines[1]).status_code == 422
    order = line_services.request_scan(
        line=building.lines[1], first=1, last=9, settings=(), key="k", by=None, at=factories.AT
    )  # fmt: skip
    for route in ("scan", "scan_rows"):
        assert client.get(reverse(f"network:{route}", args=[order.pk])).status_code == 404
    assert client.post(reverse("network:scan_stop", args=[order.pk])).status_code == 404
