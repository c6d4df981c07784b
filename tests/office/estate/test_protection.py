"""Clear text only on networks the site declares private; triple DES only until its day; each kind what it can."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from prewatt.main import roster
from prewatt.office.estate import protection, selectors, services
from prewatt.office.estate.errors import FormRefusal
from prewatt.office.estate.models import Gateway, GatewayKind, Protection
from prewatt.office.estate.protection import Standing
from tests.office import factories as make

pytestmark = pytest.mark.django_db
DAY = (make.AT + timedelta(days=30)).date()


def wrong(**fields: object) -> set[str]:
    with pytest.raises(FormRefusal) as caught:
        make.make_gateway(**fields)
    return set(caught.value.errors)


def standing(gateway: Gateway, days: int = 0) -> Standing:
    return protection.standing(gateway, selectors.site(), make.AT + timedelta(days=days))


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("172.31.0.1", True), ("192.168.1.200", True), ("fd00::1", True),
        ("gw-a", True), ("gw-a.lan", True), ("localhost", True),
        ("203.0.113.7", False), ("8.8.8.8", False), ("172.32.0.1", False), ("2001:db8::1", False),
        ("gw.example.com", False),
    ],
)  # fmt: skip
def test_clear_text_is_for_private_networks(host: str, private: bool) -> None:
    if private:
        assert standing(make.make_gateway(host=host)) is Standing.CLEAR
    else:
        assert wrong(host=host) == {"host"}
        assert standing(make.make_gateway(host=host, private_network=True)) is Standing.CLEAR
        assert standing(make.make_gateway(host=host, secure=Protection.TLS)) is Standing.TLS


@pytest.mark.parametrize(
    ("kind", "usual"),
    [("transparent", "clear"), ("modbus-tcp", "clear"), ("serial", "clear"), ("prewatt", "tls"), ("acrel", "clear")],
)
def test_a_new_gateway_has_the_usual_protection_of_its_kind(kind: str, usual: str) -> None:
    assert make.make_gateway(kind=kind, device="/dev/ttyUSB0").secure == usual


def test_every_kind_has_its_modes_and_no_other() -> None:
    assert set(protection.MODES) == set(GatewayKind)
    assert wrong(kind="prewatt", secure="clear") == {"secure"}
    assert wrong(kind="modbus-tcp", secure="tls") == {"secure"}
    assert wrong(secure="none") == {"secure"}


def test_triple_des_needs_a_day_ahead_and_is_over_after_it() -> None:
    assert wrong(secure="3des") == {"secure_until"}
    assert wrong(secure="3des", secure_until=make.AT.date() - timedelta(days=1)) == {"secure_until"}
    gateway = make.make_gateway(secure="3des", secure_until=DAY)
    assert standing(gateway, 30) is Standing.RECORDS
    assert standing(gateway, 31) is Standing.EXPIRED
    # its other fields can still be changed when the day is over
    later = make.AT + timedelta(days=40)
    services.save_gateway(instance=gateway, by=None, at=later, cabinet="B2")
    with pytest.raises(FormRefusal):
        services.save_gateway(instance=gateway, by=None, at=later, secure_until=DAY + timedelta(days=1))


def test_a_day_ends_at_the_sites_midnight() -> None:
    gateway = make.make_gateway(secure="3des", secure_until=date(2026, 12, 31))
    entry = next(one for one in read().gateways if one.gateway_id == gateway.pk)
    assert (entry.secure, entry.secure_until_ms) == ("3des", 1798732800000)  # 2026-12-31T16:00:00Z


def read():  # type: ignore[no-untyped-def]
    found = roster.read(known=-1)
    assert found is not None
    return found


def test_a_network_no_longer_private_is_no_longer_read() -> None:
    gateway = make.make_gateway(host="10.0.0.9")
    serial = make.make_gateway(kind="serial", host="", port=None, device="/dev/ttyUSB0")
    services.save_site(by=None, at=make.AT, name="塔楼", private_networks="192.168.0.0/16，127.0.0.0/8")
    gateway.refresh_from_db()
    assert standing(gateway) is Standing.FORBIDDEN
    assert standing(serial) is Standing.LOCAL
    entries = {one.gateway_id: one.secure for one in read().gateways}
    assert entries == {gateway.pk: "forbidden", serial.pk: "clear"}
    assert read().private_networks == ("192.168.0.0/16", "127.0.0.0/8")


def test_the_list_of_networks_must_be_one() -> None:
    make.make_gateway()
    with pytest.raises(FormRefusal) as caught:
        services.save_site(by=None, at=make.AT, name="塔楼", private_networks="10.0.0.0/8 tower")
    assert set(caught.value.errors) == {"private_networks"}
    services.save_site(by=None, at=make.AT, name="塔楼", private_networks="")
