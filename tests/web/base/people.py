"""Browsers of people who work with the console, and a small building for them to look at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.test import Client

from prewatt.office.estate.models import Meter, UnitGroup
from prewatt.office.operators.models import Operator
from prewatt.office.readings.models import MeterState, Reading
from tests.office import factories

ROLES = ("administrator", "manager", "cashier", "finance", "engineer", "auditor")


def browser(operator: Operator | None = None) -> Client:
    """A browser, signed in when an operator is given."""
    client = Client()
    if operator is not None:
        client.force_login(operator)
    return client


def browser_of(role: str | None = "administrator", **fields: Any) -> Client:
    """A browser in which somebody of a built-in role is signed in."""
    return browser(factories.make_operator(role, **fields))


def zone(name: str, floors: int = 1) -> list[UnitGroup]:
    """A zone and its floors, the zone first."""
    top = factories.make_group("zone", name=name)
    return [
        top,
        *(
            factories.make_group("floor", name=f"{name}{number}层", parent=top, place=number)
            for number in range(1, floors + 1)
        ),
    ]


def unit(number: str, group: UnitGroup | None = None, *, customer: str = "", **state: Any) -> Meter:
    """A unit with its meter, read a moment ago; opened when a customer is named."""
    meter = factories.make_meter(premises=factories.make_premises(number=number, group=group), name=f"{number} 电表")
    if customer:
        factories.make_agreement(meter=meter, name=customer)
    told(meter, **state)
    return meter


def told(meter: Meter, **fields: Any) -> None:
    """What the field last said of a meter."""
    values: dict[str, Any] = {
        "at": settings.PREWATT_CLOCK.now() - timedelta(seconds=2), "credit": 200_00, "power_w": 1_500, "contactor": 1,
        "contact": "ok", "energy_wh": 5_000_000, "purchase_number": 3, "total_purchased": 900_00, "version": 1,
    }  # fmt: skip
    MeterState.objects.update_or_create(meter=meter, defaults=values | fields)


def stored(meter: Meter, hours_ago: float, energy_wh: int, power_w: int = 1_000) -> None:
    """A stored reading some hours back."""
    at = settings.PREWATT_CLOCK.now() - timedelta(hours=hours_ago)
    Reading.objects.create(
        meter_id=meter.pk,
        ts=int(at.timestamp()),
        energy_wh=energy_wh,
        power_w=power_w,
        credit=200_00,
        purchase_number=3,
    )
