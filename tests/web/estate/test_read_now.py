"""Read now for a selection: over several pages, asked once, told meter by meter."""

from __future__ import annotations

from prewatt.office.controls.models import ControlOrder
from tests.office import factories


def test_the_chosen_meters_are_asked_and_the_page_tells_of_each(client, building) -> None:
    ids = ",".join(str(meter.pk) for meter in building.meters[:3])
    page = client.post("/system/meters/read-now/", {"ids": ids, "key": "k1"}, follow=True)
    assert ControlOrder.objects.count() == 3
    text = page.content.decode()
    assert all(meter.name in text for meter in building.meters[:3])
    assert 'hx-trigger="every 1s"' in text


def test_two_clicks_ask_once(client, building) -> None:
    data = {"ids": str(building.meters[0].pk), "key": "k1"}
    first = client.post("/system/meters/read-now/", data)
    second = client.post("/system/meters/read-now/", data)
    assert first["Location"] == second["Location"]
    assert ControlOrder.objects.count() == 1


def test_all_that_match_the_filters_are_asked(client, building) -> None:
    client.post("/system/meters/read-now/", {"all": "2", "query": "q=A-10", "ids": "", "key": "k2"})
    assert {order.meter.name for order in ControlOrder.objects.all()} == {"A-101 表", "A-102 表"}


def test_meters_of_the_other_building_and_retired_ones_are_not_asked(browser, building) -> None:
    from prewatt.office.estate import services

    services.retire(instance=building.meters[1], by=None, at=factories.AT)
    client = browser("manager", groups=(building.zones[0],))
    ids = ",".join(str(meter.pk) for meter in building.meters)
    client.post("/system/meters/read-now/", {"ids": ids, "key": "k3"})
    assert [order.meter for order in ControlOrder.objects.all()] == [building.meters[0]]


def test_nonsense_instead_of_numbers_asks_nobody(client, building) -> None:
    response = client.post(
        "/system/meters/read-now/", {"ids": "x,,-1,1e5,99999999999999999999", "key": "k"}, follow=True
    )
    assert "No meter was chosen" in response.content.decode()
    assert not ControlOrder.objects.exists()


def test_what_failed_can_be_asked_again(client, building) -> None:
    ids = ",".join(str(meter.pk) for meter in building.meters[:2])
    address = client.post("/system/meters/read-now/", {"ids": ids, "key": "k1"})["Location"]
    first, second = ControlOrder.objects.order_by("pk")
    ControlOrder.objects.filter(pk=first.pk).update(state="done")
    ControlOrder.objects.filter(pk=second.pk).update(state="failed", reason="timeout")
    page = client.get(address)
    assert (page.context["done"], page.context["failed"], page.context["live"]) == (1, 1, False)
    assert page.context["failed_ids"] == str(second.meter_id)
    assert "no answer in time" in page.content.decode()
    part = client.get(address, headers={"HX-Request": "true", "HX-Target": "read-now"})
    assert part.content.decode().lstrip().startswith('<div id="read-now"')
    assert client.get(f"{address}?export=xlsx").status_code == 200


def test_another_buildings_result_is_not_there(browser, client, building) -> None:
    address = client.post("/system/meters/read-now/", {"ids": str(building.meters[-1].pk), "key": "k1"})["Location"]
    assert browser("manager", groups=(building.zones[0],)).get(address).status_code == 404
