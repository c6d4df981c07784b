"""A small building and browsers of people who work with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from prewatt.office.operators.models import Operator
from tests.office import factories


@pytest.fixture
def site(db):
    return factories.make_site()


@pytest.fixture
def browser(site) -> Callable[..., Client]:
    """A browser in which an operator of a role is signed in."""

    def signed_in(role: str = "administrator", **fields) -> Client:
        client = Client(headers={"accept-language": "en"})
        operator = factories.make_operator(role, language="en", **fields)
        client.force_login(operator)
        client.operator = operator
        return client

    return signed_in


@pytest.fixture
def client(browser) -> Client:
    return browser()


@pytest.fixture
def somebody(client) -> Operator:
    return client.operator


class Building:
    """Two zones, each with a floor, a gateway, a line and two units with a meter each."""

    def __init__(self) -> None:
        self.zones, self.floors, self.gateways, self.lines, self.units, self.meters = [], [], [], [], [], []
        for letter in "AB":
            zone = factories.make_group("zone", name=f"{letter}区")
            floor = factories.make_group("floor", name=f"{letter}区 1层", parent=zone)
            gateway = factories.make_gateway(name=f"{letter}区网关", zone=zone)
            line = factories.make_line(gateway=gateway, name=f"{letter}区总线")
            units = [
                factories.make_premises(number=f"{letter}-10{n}", group=floor, name=f"{letter}铺{n}") for n in (1, 2)
            ]
            meters = [factories.make_meter(line=line, premises=unit, name=f"{unit.number} 表") for unit in units]
            self.zones.append(zone)
            self.floors.append(floor)
            self.gateways.append(gateway)
            self.lines.append(line)
            self.units += units
            self.meters += meters


@pytest.fixture
def building(site) -> Building:
    return Building()
