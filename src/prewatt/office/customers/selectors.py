"""Customers and their agreements, as far as an operator may see the building."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from prewatt.office.customers.models import AgreementMeter, Customer, SupplyAgreement
from prewatt.office.estate.models import Meter, Premises
from prewatt.office.estate.selectors import meters as visible_meters
from prewatt.office.estate.selectors import premises as visible_premises
from prewatt.office.estate.selectors import scope_groups
from prewatt.office.operators.models import Operator

MOST_FOUND = 50


def agreements(operator: Operator, *, closed: bool | None = None) -> QuerySet[SupplyAgreement]:
    """Agreements of visible units: all, only the closed ones, or only the open ones."""
    scope = scope_groups(operator)
    found = SupplyAgreement.objects.select_related("customer", "premises__group")
    if scope is not None:
        found = found.filter(premises__group__in=scope)
    return found if closed is None else found.filter(closed_at__isnull=not closed)


def customers(operator: Operator) -> QuerySet[Customer]:
    """Customers with an agreement, past or present, at a visible unit."""
    scope = scope_groups(operator)
    if scope is None:
        return Customer.objects.all()
    return Customer.objects.filter(agreements__premises__group__in=scope).distinct()


def bound_meters(agreement: SupplyAgreement) -> QuerySet[AgreementMeter]:
    """The meters that serve an agreement now."""
    return agreement.meters.filter(unbound_at__isnull=True).select_related("meter__line__gateway").order_by("pk")


def agreement_of(meter: Meter) -> SupplyAgreement | None:
    """The open agreement that a meter serves."""
    bound = AgreementMeter.objects.filter(meter=meter, unbound_at__isnull=True, agreement__closed_at__isnull=True)
    row = bound.select_related("agreement__customer", "agreement__premises").first()
    return row.agreement if row else None


def opened_meters() -> QuerySet[AgreementMeter]:
    """All bindings in force: what makes a meter "opened"."""
    return AgreementMeter.objects.filter(unbound_at__isnull=True, agreement__closed_at__isnull=True)


def free_meters(operator: Operator, premises: Premises) -> QuerySet[Meter]:
    """Meters that could serve a new agreement at that unit: its own, and those without a unit, unless bound."""
    found = visible_meters(operator).filter(Q(premises=premises) | Q(premises__isnull=True), role="prepaid")
    return found.exclude(pk__in=opened_meters().values("meter")).order_by("premises", "name")


def free_premises(operator: Operator) -> QuerySet[Premises]:
    """Visible units without an open agreement."""
    opened = SupplyAgreement.objects.filter(closed_at__isnull=True)
    return visible_premises(operator).exclude(pk__in=opened.values("premises"))


def find(operator: Operator, query: str, *, closed: bool | None = False) -> QuerySet[SupplyAgreement]:
    """Agreements by unit number, customer's name, pinyin initials, phone, meter name or serial; at most 50.

    A scanner types the whole number; a person types any part of it.
    """
    found = agreements(operator, closed=closed)
    for word in query.split():
        meter = Q(meters__unbound_at__isnull=True) & (
            Q(meters__meter__serial__icontains=word) | Q(meters__meter__name__icontains=word)
        )
        found = found.filter(
            Q(premises__number__icontains=word)
            | Q(premises__name__icontains=word)
            | Q(customer__name__icontains=word)
            | Q(customer__initials__contains=word.lower())
            | Q(customer__phone__contains=word)
            | Q(number__iexact=word)
            | meter
        )
    return found.distinct().order_by("premises__number")[:MOST_FOUND]
