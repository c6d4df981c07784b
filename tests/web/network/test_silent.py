"""Lists of what is out of contact: who is in them, what they say, reconnect, export; and work orders."""

from __future__ import annotations

import pytest
from django.urls import reverse

from prewatt.core.supply import Contact
from prewatt.office.controls.models import ControlKind, ControlOrder, WorkOrder
from tests.office import factories

pytestmark = pytest.mark.django_db
METERS, GATEWAYS, WORK = (reverse(f"network:{name}") for name in ("silent", "silent_gateways", "silent_work"))


@pytest.fixture
def lost(building, contact):
    """A meter of zone A and one of zone B, and the gateway of zone B."""
    factories.make_agreement(meter=building.meters[0], premises=building.units[0], name="老何小面店")
    contact(Contact.OK, building.meters[1], building.gateways[0])
    contact(Contact.OUT, building.meters[0], building.meters[2])
    contact(Contact.OUT, building.gateways[1], reason="no-answer")
    return building


def test_the_list_says_since_when_what_was_tried_and_who_is_affected(client, lost) -> None:
    html = client.get(METERS).content.decode()
    for told in ("A-101 表", "3 rounds failed · no answer", "老何小面店", "A区总线", "address 1", "Send somebody"):
        assert told in html
    assert "A-102 表" not in html
    assert reverse("units:page", args=["A-101"]) in html


def test_customers_are_not_told_to_whoever_may_not_see_them(browser, lost) -> None:
    client = browser(None)
    role = client.operator.roles.get()
    role.rights = ["network.view"]
    role.save(update_fields=["rights"])
    html = client.get(METERS).content.decode()
    assert "A-101 表" in html
    assert "老何小面店" not in html
    assert "Reconnect now" not in html
    assert "Send somebody" not in html


def test_meters_are_asked_at_once(client, lost) -> None:
    response = client.post(reverse("network:silent_read_now"), {"ids": str(lost.meters[0].pk), "key": "k"})
    order = ControlOrder.objects.get()
    assert (order.kind, order.meter) == (ControlKind.READ_NOW, lost.meters[0])
    assert response["Location"] == reverse("estate:read_now_result", args=[order.pk])
    client.post(reverse("network:silent_read_now"), {"ids": str(lost.meters[0].pk), "key": "k"})
    assert ControlOrder.objects.count() == 1
    assert client.post(reverse("network:silent_read_now"), {"ids": ""})["Location"] == METERS


def test_gateways_say_what_hangs_on_them_and_are_called_at_once(client, lost) -> None:
    html = client.get(GATEWAYS).content.decode()
    assert "B区网关" in html
    assert "no answer on the network" in html
    assert "A区网关" not in html
    client.post(reverse("network:silent_reconnect"), {"ids": str(lost.gateways[1].pk), "key": "k"})
    order = ControlOrder.objects.get()
    assert (order.kind, order.gateway) == (ControlKind.RECONNECT, lost.gateways[1])
    ControlOrder.objects.update(state="failed", reason="refused-connection")
    assert "failed: not reached: the connection is refused" in client.get(GATEWAYS).content.decode()


@pytest.mark.parametrize(
    ("address", "right"), [(METERS, "network:silent_read_now"), (GATEWAYS, "network:silent_reconnect")]
)
def test_who_may_only_look_cannot_ask(browser, lost, address, right) -> None:
    client = browser("auditor")
    assert client.get(address).status_code == 200
    assert client.post(reverse(right), {"ids": "1"}).status_code == 403
    assert not ControlOrder.objects.exists()


def test_the_other_part_of_the_building_is_neither_shown_nor_asked(browser, lost) -> None:
    client = browser("engineer", groups=(lost.zones[0],))
    assert "B-101" not in client.get(METERS).content.decode()
    assert "B区" not in client.get(GATEWAYS).content.decode()
    client.post(reverse("network:silent_read_now"), {"ids": str(lost.meters[2].pk), "key": "k"})
    client.post(reverse("network:silent_reconnect"), {"ids": str(lost.gateways[1].pk), "key": "k"})
    assert not ControlOrder.objects.exists()


@pytest.mark.parametrize("address", [METERS, GATEWAYS, WORK, reverse("network:traffic"), reverse("network:scans")])
def test_every_list_filters_sorts_and_goes_to_excel(client, lost, address) -> None:
    assert client.get(address, {"q": "x", "sort": "-since", "page": "9", "work_order": "none"}).status_code == 200
    export = client.get(address, {"export": "xlsx"})
    assert b"".join(export.streaming_content if export.streaming else [export.content]).startswith(b"PK")


def test_lists_stay_at_a_few_queries(client, lost, contact, django_assert_max_num_queries) -> None:
    meters = [factories.make_meter(line=lost.lines[0], premises=lost.units[0]) for _ in range(20)]
    contact(Contact.OUT, *meters)
    with django_assert_max_num_queries(22):
        client.get(METERS)
    with django_assert_max_num_queries(22):
        client.get(reverse("network:diagram"))


def test_somebody_is_sent_and_tells_what_was_found(client, lost) -> None:
    address = reverse("network:silent_work_meter", args=[lost.meters[0].pk])
    refused = client.post(address, {"person": "", "note": "x"})
    assert refused.status_code == 422
    assert "This field is needed" in refused.content.decode()
    assert client.post(address, {"person": "王师傅", "note": "看接线"})["Location"] == METERS
    assert "王师傅" in client.get(METERS).content.decode()
    assert client.post(address, {"person": "李师傅"}).status_code == 422
    order = WorkOrder.objects.get()
    page = reverse("network:silent_work_order", args=[order.pk])
    assert client.post(page, {"result": "端子松动"})["Location"] == WORK
    assert "端子松动" not in client.get(WORK).content.decode()
    assert "端子松动" in client.get(WORK, {"closed": "closed"}).content.decode()
    assert "端子松动" in client.get(page).content.decode()


def test_a_work_order_of_a_gateway(client, browser, lost) -> None:
    address = reverse("network:silent_work_gateway", args=[lost.gateways[1].pk])
    assert client.get(address).status_code == 200
    client.post(address, {"person": "王师傅"})
    page = reverse("network:silent_work_order", args=[WorkOrder.objects.get().pk])
    auditor = browser("auditor")
    assert "Close the work order" not in auditor.get(page).content.decode()
    auditor.post(page, {"result": "x"})
    assert WorkOrder.objects.get().closed_at is None
    assert browser("engineer", groups=(lost.zones[0],)).get(page).status_code == 404


def test_nothing_silent_is_good_news(client, building) -> None:
    assert "Every meter answers" in client.get(METERS).content.decode()
    assert "Every gateway answers" in client.get(GATEWAYS).content.decode()
