"""Writes about customers: opening a unit's supply (开户), and correcting a customer's own data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from prewatt.office.customers.errors import FormRefusal, Problem
from prewatt.office.customers.models import AgreementMeter, Customer, SupplyAgreement
from prewatt.office.customers.names import initials
from prewatt.office.estate.models import Meter, MeterRole, Premises
from prewatt.office.estate.rules import name_problems
from prewatt.office.estate.scope import outside
from prewatt.office.estate.services import save_meter
from prewatt.office.operators.models import Operator
from prewatt.office.operators.services import record

MOST_CREDIT = 10**11  # fen or Wh: beyond any purse
MOST_ENERGY_WH = 10**12
PHONE_MARKS = frozenset("0123456789+-() /#*转")
OPENED = Problem(_("This unit has an open customer already. Close that supply first."))


@transaction.atomic
def open_supply(
    *,
    premises: Premises,
    name: str,
    phone: str,
    meters: Sequence[Meter],
    by: Operator | None,
    at: datetime,
    opening_credit: int | None = None,
    opening_energy_wh: int | None = None,
) -> SupplyAgreement:
    """Open a unit's supply for a new customer, through one or more meters of that unit.

    A meter without a unit is given to this one. ``opening_credit`` (fen or Wh, as the first meter's purse counts) and
    ``opening_energy_wh`` are what the paper says; the meter's own figures are observed by the head-end. Raises
    FormRefusal with the fields premises, name, phone, meters, opening_credit, opening_energy_wh.
    """
    problems = customer_problems(name.strip(), phone.strip()) | opening_problems(opening_credit, opening_energy_wh)
    problems |= _premises_problems(premises) | _meters_problems(premises, meters)
    problems |= outside(by, "premises", [premises.group])
    if problems:
        raise FormRefusal(problems)
    customer = Customer.objects.create(name=name.strip(), initials=initials(name), phone=phone.strip(), created_at=at)
    try:
        with transaction.atomic():
            agreement = _agree(customer, premises, by, at)
            for place, meter in enumerate(meters):
                credit, energy = (opening_credit, opening_energy_wh) if place == 0 else (None, None)
                bind(agreement=agreement, meter=meter, opening_credit=credit, opening_energy_wh=energy, by=by, at=at)
    except IntegrityError as error:  # another cashier was first
        raise FormRefusal({"premises": OPENED}) from error
    record(
        by=by,
        at=at,
        action="customers.open",
        subject=premises.number,
        summary=customer.name,
        data={
            "agreement": agreement.number,
            "meters": [meter.name for meter in meters],
            "opening_credit": opening_credit,
            "opening_energy_wh": opening_energy_wh,
        },
    )
    return agreement


@transaction.atomic
def edit_customer(*, customer: Customer, name: str, phone: str, by: Operator | None, at: datetime) -> Customer:
    """Correct a customer's name or phone; the log keeps what it was. Raises FormRefusal."""
    name, phone = name.strip(), phone.strip()
    problems = customer_problems(name, phone)
    for agreement in customer.agreements.select_related("premises__group"):
        problems |= outside(by, "", [agreement.premises.group])
    if problems:
        raise FormRefusal(problems)
    before = {"name": customer.name, "phone": customer.phone}
    after = {"name": name, "phone": phone}
    if before != after:
        customer.name, customer.phone, customer.initials = name, phone, initials(name)
        customer.save(update_fields=["name", "phone", "initials"])
        data = {"id": customer.pk, "before": before, "after": after}
        record(by=by, at=at, action="customers.edit", subject=name, data=data)
    return customer


def bind(
    *,
    agreement: SupplyAgreement,
    meter: Meter,
    opening_credit: int | None,
    opening_energy_wh: int | None,
    by: Operator | None,
    at: datetime,
) -> AgreementMeter:
    """Let a meter serve an agreement from now on. Part of opening; run it in the caller's transaction."""
    if meter.premises_id != agreement.premises_id:
        save_meter(instance=meter, by=by, at=at, premises=agreement.premises)
    return AgreementMeter.objects.create(
        agreement=agreement,
        meter=meter,
        bound_at=at,
        opening_credit=opening_credit,
        opening_energy_wh=opening_energy_wh,
    )


def customer_problems(name: str, phone: str) -> dict[str, Problem]:
    """Form of a customer."""
    problems = name_problems(name)
    if len(phone) > 30 or not set(phone) <= PHONE_MARKS:
        problems["phone"] = Problem(_("%(phone)s is not a telephone number."), {"phone": phone})
    return problems


def opening_problems(credit: int | None, energy_wh: int | None) -> dict[str, Problem]:
    """Figures taken over from paper. Credit may be below 0: an overdraft; a register never is."""
    problems: dict[str, Problem] = {}
    if credit is not None and abs(credit) > MOST_CREDIT:
        problems["opening_credit"] = Problem(_("This amount is too large."))
    if energy_wh is not None and not 0 <= energy_wh <= MOST_ENERGY_WH:
        problems["opening_energy_wh"] = Problem(_("A register's reading is 0 or more, and no larger than its dial."))
    return problems


def _agree(customer: Customer, premises: Premises, by: Operator | None, at: datetime) -> SupplyAgreement:
    agreement = SupplyAgreement.objects.create(
        number=f"~{premises.pk}", customer=customer, premises=premises, opened_at=at, opened_by=by
    )
    agreement.number = f"A{agreement.pk:06d}"  # the key makes it unique; the first name lived only in here
    agreement.save(update_fields=["number"])
    return agreement


def _premises_problems(premises: Premises) -> dict[str, Problem]:
    if premises.retired_at is not None:
        return {"premises": Problem(_("%(name)s is no longer in use."), {"name": premises.number})}
    return {"premises": OPENED} if premises.agreements.filter(closed_at__isnull=True).exists() else {}


def _meters_problems(premises: Premises, meters: Sequence[Meter]) -> dict[str, Problem]:
    if not meters:
        return {"meters": Problem(_("Choose at least one meter: credit is sold to a meter."))}
    if len({meter.pk for meter in meters}) < len(meters):
        return {"meters": Problem(_("A meter is named twice."))}
    for meter in meters:
        if meter.premises_id not in {None, premises.pk}:
            return {"meters": Problem(_("Meter %(name)s belongs to another unit."), {"name": meter.name})}
        if meter.retired_at is not None or meter.role != MeterRole.PREPAID:
            return {"meters": Problem(_("Meter %(name)s is not a prepaid meter in use."), {"name": meter.name})}
        if meter.agreements.filter(unbound_at__isnull=True).exists():
            return {"meters": Problem(_("Meter %(name)s serves another customer."), {"name": meter.name})}
    return {}
