"""The estate as the head-end gets it: serial numbers to call by, and ratios of the transformers."""

from __future__ import annotations

import pytest

from prewatt.main import roster
from tests.office import factories as make

pytestmark = pytest.mark.django_db


def test_a_meter_brings_its_serial_and_its_ratios() -> None:
    make.make_site()
    make.make_meter(profile="dlt645-2007", serial="230600000161", ct=40, pt=100)
    found = roster.read(known=0)
    assert found is not None
    (meter,) = found.gateways[0].lines[0].meters
    assert (meter.serial, meter.profile, meter.ct, meter.pt) == ("230600000161", "dlt645-2007", 40, 100)
