"""The same building and browsers as for the estate, with meters and gateways whose contact a test decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from prewatt.core.supply import Contact
from prewatt.office.estate.models import Gateway, Line, Meter
from prewatt.office.readings.models import GatewayState, MeterState
from tests.office import factories
from tests.web.estate.conftest import browser, building, client, site, somebody  # noqa: F401 - fixtures

AT = factories.AT


@pytest.fixture
def contact(db) -> Callable[..., None]:
    """Let meters or gateways be in a state of contact."""

    def set_contact(state: Contact, *things: Meter | Gateway, reason: str = "timeout") -> None:
        for thing in things:
            if isinstance(thing, Gateway):
                facts = {"contact": state, "since": AT, "reason": reason, "last_good_at": AT - timedelta(minutes=3)}
                GatewayState.objects.update_or_create(gateway=thing, defaults=facts)
            else:
                facts = {
                    "contact": state, "contact_since": AT, "failed_rounds": 3, "contact_reason": reason,
                    "last_good_at": AT - timedelta(minutes=3),
                }  # fmt: skip
                MeterState.objects.update_or_create(meter=thing, defaults=facts)

    return set_contact


@pytest.fixture
def line(site) -> Line:  # noqa: F811
    """A line of 20 meters, two in each cabinet."""
    line = factories.make_line(name="长线", gateway=factories.make_gateway(name="长线网关"))
    for place in range(1, 21):
        factories.make_meter(line=line, name=f"长线{place:02d}", place=place, cabinet=f"{(place + 1) // 2}层强电井")
    return line


@pytest.fixture
def chain(line) -> list[Meter]:
    return list(line.meters.order_by("place"))
