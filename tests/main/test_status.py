"""``prewatt status``: exactly the keys and words of the command-line contract."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from prewatt.core.supply import MeterFlag
from prewatt.main import status
from prewatt.office.readings.models import GatewayState, MeterState
from tests.office import factories as make

pytestmark = pytest.mark.django_db

KEYS = [
    "unit", "customer", "meter", "serial", "profile", "state", "credit_fen", "energy_wh", "power_w", "purchase_number",
    "contactor", "mode", "contact", "read_at",
]  # fmt: skip


def row(**state: object) -> dict[str, object]:
    """The status of one opened meter that was read as told."""
    meter = make.make_meter(premises=make.make_premises(number="A301"), name="A301 电表", serial="261100000001")
    make.make_agreement(meter=meter, name="老何小面店")
    defaults = {"at": make.AT, "credit": 15_025, "energy_wh": 12_345_670, "power_w": 1500, "purchase_number": 7}
    MeterState.objects.create(meter=meter, **{**defaults, "contactor": 1, "contact": "ok", **state})
    found = status.report(at=make.AT + timedelta(seconds=3))
    assert json.loads(json.dumps(found)) == found
    return dict(found["meters"][0])


def test_a_read_meter_is_told_in_full() -> None:
    assert row() == {
        "unit": "A301",
        "customer": "老何小面店",
        "meter": "A301 电表",
        "serial": "261100000001",
        "profile": "acrel-ddsy1352-nk",
        "state": "well",
        "credit_fen": 15_025,
        "energy_wh": 12_345_670,
        "power_w": 1500,
        "purchase_number": 7,
        "contactor": "closed",
        "mode": "prepaid",
        "contact": "ok",
        "read_at": "2026-11-23T01:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ({}, "well"),
        ({"credit": 4_999}, "low-1"),
        ({"credit": 1_999}, "low-2"),
        ({"credit": -100}, "on-overdraft"),
        ({"credit": 0, "contactor": 2, "flags": int(MeterFlag.ARREARS)}, "off-empty"),
        ({"mode": 2, "contactor": 2}, "forced-off"),
        ({"contact": "out"}, "out-of-contact"),
    ],
)
def test_each_state_has_its_word(state: dict[str, object], word: str) -> None:
    assert row(**state)["state"] == word


def test_a_meter_that_serves_nobody_is_not_opened() -> None:
    make.make_meter(premises=make.make_premises())
    meter = status.report(at=make.AT)["meters"][0]
    assert (meter["state"], meter["customer"], meter["credit_fen"], meter["read_at"]) == ("not-opened", "", None, None)
    assert list(meter) == KEYS


def test_a_gateway_is_told_with_its_contact() -> None:
    gateway = make.make_gateway(name="A区网关")
    GatewayState.objects.create(gateway=gateway, contact="out", since=make.AT)
    found = status.report(at=make.AT)
    assert list(found) == ["at", "meters", "gateways"]
    assert found["gateways"] == [{"name": "A区网关", "contact": "out", "since": "2026-11-23T01:00:00+00:00"}]


def test_the_table_for_a_person_shows_every_meter(capsys: pytest.CaptureFixture[str]) -> None:
    row()
    status.show(status.report(at=make.AT))
    shown = capsys.readouterr().out
    assert "A301" in shown
    assert "gateway" in shown
