"""Opening a unit's supply, and finding it again at the counter."""

from __future__ import annotations

import pytest

from prewatt.office.customers import selectors, services
from prewatt.office.customers.errors import FormRefusal
from prewatt.office.customers.models import AgreementMeter, Customer, SupplyAgreement
from prewatt.office.customers.names import initials
from prewatt.office.estate.models import Meter
from prewatt.office.operators.models import OperationLog
from tests.office import factories as make

pytestmark = pytest.mark.django_db


def test_opening_binds_the_meters_and_keeps_what_the_paper_said() -> None:
    operator, unit = make.make_operator("cashier"), make.make_premises()
    first, second = make.make_meter(premises=unit), make.make_meter()
    agreement = services.open_supply(
        premises=unit, name=" 老何小面店 ", phone="138 0000 0000", meters=[first, second], opening_credit=-350,
        opening_energy_wh=12_345_670, by=operator, at=make.AT,
    )  # fmt: skip
    assert agreement.number == f"A{agreement.pk:06d}"
    assert (agreement.customer.name, agreement.customer.initials) == ("老何小面店", "lhxmd")
    rows = [(row.meter, row.opening_credit, row.opening_energy_wh) for row in selectors.bound_meters(agreement)]
    assert rows == [(first, -350, 12_345_670), (second, None, None)]
    assert Meter.objects.get(pk=second.pk).premises == unit, "a meter without a unit is given to this one"
    assert selectors.agreement_of(second) == agreement
    entry = OperationLog.objects.get(action="customers.open")
    assert (entry.operator, entry.subject, entry.summary) == (operator, unit.number, "老何小面店")


def test_a_unit_has_one_open_customer() -> None:
    agreement = make.make_agreement()
    with pytest.raises(FormRefusal) as refused:
        make.make_agreement(premises=agreement.premises, meters=[make.make_meter()])
    assert list(refused.value.errors) == ["premises"]
    assert (Customer.objects.count(), SupplyAgreement.objects.count()) == (1, 1)


def test_a_meter_serves_one_customer_and_only_its_own_unit() -> None:
    agreement = make.make_agreement()
    bound = selectors.bound_meters(agreement).get().meter
    stranger = make.make_meter(premises=make.make_premises())
    instrument = make.make_meter(role="instrument")
    loose = make.make_meter()
    for meters in ([bound], [stranger], [instrument], [], [loose, loose]):
        with pytest.raises(FormRefusal) as refused:
            services.open_supply(premises=make.make_premises(), name="x", phone="", meters=meters, by=None, at=make.AT)
        assert list(refused.value.errors) == ["meters"]
    assert AgreementMeter.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": "  "}, "name"),
        ({"name": "长" * 81}, "name"),
        ({"phone": "call me"}, "phone"),
        ({"phone": "1" * 31}, "phone"),
        ({"opening_credit": 10**12}, "opening_credit"),
        ({"opening_energy_wh": -1}, "opening_energy_wh"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, object], named: str) -> None:
    with pytest.raises(FormRefusal) as refused:
        make.make_agreement(**fields)
    assert list(refused.value.errors) == [named]


@pytest.mark.parametrize(
    "typed", ["A301", "a301", "老何", "lhxm", "LHXMD", "1380000", "260700000009", "号表", "老何 A301", "  小面  "]
)
def test_the_counter_finds_a_customer_by_whatever_is_typed(typed: str) -> None:
    unit = make.make_premises(number="A301")
    meter = make.make_meter(premises=unit, serial="260700000009", name="九号表")
    wanted = make.make_agreement(meter=meter, name="老何小面店", phone="13800001234")
    make.make_agreement(name="服装店", phone="13911112222")
    assert list(selectors.find(make.make_operator("cashier"), typed)) == [wanted]


def test_typing_nothing_lists_and_typing_nonsense_finds_nobody() -> None:
    make.make_agreement()
    cashier = make.make_operator("cashier")
    assert len(selectors.find(cashier, "")) == 1
    assert list(selectors.find(cashier, "%")) == []
    assert list(selectors.find(cashier, "老何 别处")) == []


def test_a_limited_operator_sees_and_opens_only_their_part() -> None:
    mine, theirs = make.make_group(), make.make_group()
    here = make.make_agreement(premises=make.make_premises(group=mine))
    there = make.make_agreement(premises=make.make_premises(group=theirs))
    operator = make.make_operator("cashier", groups=(mine,))
    assert list(selectors.agreements(operator)) == [here]
    assert list(selectors.customers(operator)) == [here.customer]
    assert there not in selectors.find(operator, there.premises.number)
    outside = make.make_premises(group=theirs)
    with pytest.raises(FormRefusal) as refused:
        services.open_supply(
            premises=outside, name="x", phone="", meters=[make.make_meter(premises=outside)], by=operator, at=make.AT
        )
    assert "premises" in refused.value.errors
    with pytest.raises(FormRefusal):
        services.edit_customer(customer=there.customer, name="x", phone="", by=operator, at=make.AT)


def test_free_units_and_meters_are_those_that_can_be_opened() -> None:
    operator = make.make_operator("cashier")
    taken = make.make_agreement().premises
    free = make.make_premises()
    own, loose = make.make_meter(premises=free), make.make_meter()
    make.make_meter(role="instrument")
    assert list(selectors.free_premises(operator)) == [free]
    assert set(selectors.free_meters(operator, free)) == {own, loose}
    assert taken.meters.get() not in selectors.free_meters(operator, taken)


def test_a_corrected_name_is_found_and_the_old_one_is_in_the_log() -> None:
    customer = make.make_agreement(name="王老五").customer
    services.edit_customer(customer=customer, name="王五", phone="1", by=None, at=make.AT)
    assert Customer.objects.get().initials == "ww"
    assert OperationLog.objects.get(action="customers.edit").data["before"]["name"] == "王老五"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("老何小面店", "lhxmd"), ("KFC 肯德基", "kfckdj"), ("3号仓库（B）", "3hckb"), ("", ""), ("、。", "")],
)
def test_initials_are_what_a_cashier_types(name: str, letters: str) -> None:
    assert initials(name) == letters
