"""The wire's rules at the edit page: 32 devices, one kind, one address each."""

from __future__ import annotations

import pytest

from prewatt.office.estate import services
from prewatt.office.estate.errors import FormRefusal
from prewatt.office.estate.models import Meter, Site
from tests.office import factories as make

pytestmark = pytest.mark.django_db


def test_a_33rd_device_is_refused_on_the_field_line() -> None:
    line = make.make_line()
    for _number in range(32):
        make.make_meter(line=line)
    with pytest.raises(FormRefusal) as refused:
        make.make_meter(line=line)
    assert list(refused.value.errors) == ["line"]
    assert refused.value.errors["line"].params["number"] == 33
    assert Meter.objects.filter(line=line).count() == 32


def test_a_second_kind_is_refused_unless_the_line_is_mixed() -> None:
    line = make.make_line()
    make.make_meter(line=line)
    with pytest.raises(FormRefusal) as refused:
        make.make_meter(line=line, profile=make.THREE_PHASE)
    assert list(refused.value.errors) == ["profile"]
    line = services.save_line(instance=line, by=None, at=make.AT, mixed=True)
    make.make_meter(line=line, profile=make.THREE_PHASE)
    with pytest.raises(FormRefusal) as refused:
        services.save_line(instance=line, by=None, at=make.AT, mixed=False)
    assert list(refused.value.errors) == ["mixed"]


def test_an_address_is_used_once_a_line() -> None:
    line = make.make_line()
    first = make.make_meter(line=line, address=7)
    with pytest.raises(FormRefusal) as refused:
        make.make_meter(line=line, address=7)
    assert first.name in str(refused.value.errors["address"])
    make.make_meter(address=7)  # another line


def test_a_retired_meter_gives_its_address_its_name_and_its_seat_free() -> None:
    line = make.make_line()
    old = make.make_meter(line=line, address=7, name="旧表")
    services.retire(instance=old, by=None, at=make.AT)
    assert make.make_meter(line=line, address=7, name="旧表").pk != old.pk


def test_every_change_of_the_wire_raises_the_roster_version() -> None:
    site = make.make_site()
    meter = make.make_meter()
    before = Site.objects.get().roster_version
    assert before > site.roster_version
    services.save_meter(instance=meter, by=None, at=make.AT, address=99)
    assert Site.objects.get().roster_version > before


def test_editing_a_meter_in_its_place_is_no_conflict_with_itself() -> None:
    line = make.make_line()
    meters = [make.make_meter(line=line) for _number in range(32)]
    kept = services.save_meter(instance=meters[5], by=None, at=make.AT, cabinet="3F 强电井", address=200)
    assert (kept.address, kept.cabinet) == (200, "3F 强电井")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", 0),
        ("address", 248),
        ("profile", "no-such"),
        ("name", ""),
        ("name", "表" * 81),
        ("ct", 0),
        ("role", "king"),
        ("serial", "9" * 41),
        ("place", 0),
    ],
)
def test_a_bad_field_is_named(field: str, value: object) -> None:
    with pytest.raises(FormRefusal) as refused:
        make.make_meter(**{field: value})
    assert field in refused.value.errors
    assert str(refused.value.errors[field])


def test_two_meters_never_share_a_serial_number() -> None:
    make.make_meter(serial="260100000001")
    with pytest.raises(FormRefusal) as refused:
        make.make_meter(serial="260100000001")
    assert list(refused.value.errors) == ["serial"]


def test_a_dlt_meter_needs_the_serial_number_it_is_called_by() -> None:
    for serial in ("", "A230600", "1234567890123"):
        with pytest.raises(FormRefusal) as refused:
            make.make_meter(profile="dlt645-2007", serial=serial)
        assert list(refused.value.errors) == ["serial"]
    assert make.make_meter(profile="dlt645-2007", serial="230600000161").serial == "230600000161"
