"""A gateway's protection on its list, page and form: a badge that tells the truth of this moment."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from prewatt.office.estate.models import Gateway, Site
from tests.office import factories

FORM = {"name": "新网关", "kind": "transparent", "host": "10.0.0.9", "port": "4001"}


def page(client, gateway: Gateway) -> tuple[str, str]:
    """The badge on the list and on the gateway's page."""
    return tuple(client.get(path).content.decode() for path in ("/system/gateways/", f"/system/gateways/{gateway.pk}/"))


@pytest.mark.parametrize(
    ("fields", "badge"),
    [
        ({}, "l-guard-orange"),
        ({"secure": "tls"}, "l-guard-green"),
        ({"secure": "3des", "secure_until": date(2100, 1, 1)}, "l-guard-red"),
        ({"kind": "acrel"}, "l-guard-orange"),
        ({"kind": "prewatt"}, "l-guard-green"),
    ],
)
def test_the_badge_stands_on_list_and_page(client, site, fields, badge) -> None:
    gateway = factories.make_gateway(**fields)
    for text in page(client, gateway):
        assert badge in text
    if fields.get("secure") == "3des":
        assert "3DES until 2100-01-01" in page(client, gateway)[1]


def test_a_gateway_that_may_not_be_read_says_so(client, site) -> None:
    gateway = factories.make_gateway(host="10.0.0.9")
    Site.objects.update(private_networks="")
    for text in page(client, gateway):
        assert "clear, not private: not read" in text


def test_triple_des_over_its_day_says_so(client, site) -> None:
    gateway = factories.make_gateway(secure="3des", secure_until=factories.AT.date() + timedelta(days=1))
    Gateway.objects.update(secure_until=date(2020, 1, 1))
    assert "3DES, its day is over" in page(client, gateway)[1]


def test_the_form_takes_the_usual_and_refuses_clear_text_on_the_wide_world(client, site) -> None:
    client.post("/system/gateways/new/", FORM)
    assert Gateway.objects.get().secure == "clear"
    response = client.post("/system/gateways/new/", {**FORM, "name": "远", "host": "203.0.113.7"})
    assert response.status_code == 422
    assert "declares private" in response.content.decode()
    allowed = {**FORM, "name": "远", "host": "203.0.113.7", "secure": "3des", "secure_until": "2100-01-01"}
    assert client.post("/system/gateways/new/", allowed).status_code == 302
    far = Gateway.objects.get(name="远")
    assert (far.secure, far.secure_until) == ("3des", date(2100, 1, 1))
    assert 'value="2100-01-01"' in client.get(f"/system/gateways/{far.pk}/edit/").content.decode()


def test_the_list_is_filtered_by_protection(client, site) -> None:
    clear, locked = factories.make_gateway(), factories.make_gateway(secure="tls")
    text = client.get("/system/gateways/?secure=tls").content.decode()
    assert locked.name in text
    assert clear.name not in text
