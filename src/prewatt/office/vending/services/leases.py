"""Who may command a gateway. The token grows at each take-over, so that a head-end that was replaced is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from prewatt.office.estate.models import Gateway, Site
from prewatt.office.vending.errors import LeaseLost
from prewatt.office.vending.models import CreditOrder, LineLease, OrderState

LEASE = timedelta(seconds=120)  # of site time


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease as its holder shows it."""

    gateway_id: int
    holder: str
    token: int


@transaction.atomic
def lease(*, holder: str, take_over: bool, at: datetime) -> list[LineLease]:
    """Take or renew the leases of all gateways; returns those the holder has.

    ``take_over`` raises every token, whoever held it. Without it a lease of somebody else is taken once it ran out.
    """
    expires = at + LEASE
    known = LineLease.objects.select_for_update(of=("self",))
    held = {one.gateway_id: one for one in known.order_by("gateway_id")}
    living = Gateway.objects.filter(retired_at__isnull=True).values_list("pk", flat=True)
    fresh = [LineLease(gateway_id=pk, holder=holder, expires=expires) for pk in living if pk not in held]
    taken = [one.gateway_id for one in held.values() if take_over or (one.holder != holder and one.expires <= at)]
    LineLease.objects.bulk_create(fresh)
    LineLease.objects.filter(gateway__in=taken).update(holder=holder, token=F("token") + 1, expires=expires)
    LineLease.objects.filter(holder=holder).exclude(gateway__in=taken).update(expires=expires)
    mine = LineLease.objects.filter(holder=holder, gateway__retired_at__isnull=True)
    return list(mine.order_by("gateway_id"))


def current(claims: Iterable[Claim], *, at: datetime) -> list[Claim]:
    """Those of the claims that still hold."""
    wanted = {one.gateway_id: one for one in claims}
    rows = LineLease.objects.filter(gateway__in=wanted, expires__gt=at).values_list("gateway_id", "holder", "token")
    return [Claim(*row) for row in rows if wanted[row[0]] == Claim(*row)]


def leased_order(order_id: int, claim: Claim, *, related: Sequence[str] = ()) -> CreditOrder:
    """An order with the lease of its gateway compared in the same query. Raises LeaseLost."""
    order = (
        CreditOrder.objects.select_related("meter", *related)
        .annotate(
            gateway_id=F("meter__line__gateway_id"),
            holder_now=F("meter__line__gateway__linelease__holder"),
            token_now=F("meter__line__gateway__linelease__token"),
            lease_until=F("meter__line__gateway__linelease__expires"),
            meter_busy=Exists(_busy()),
            on_battery=Exists(on_battery()),
        )
        .get(pk=order_id)
    )
    if (order.gateway_id, order.holder_now, order.token_now) != (claim.gateway_id, claim.holder, claim.token):
        raise LeaseLost(f"gateway {claim.gateway_id} is commanded by {order.holder_now!r} now")
    return order


def _busy() -> QuerySet[CreditOrder]:
    """Another order of the meter that is being proven, or refused and not yet confirmed."""
    proving = Q(state=OrderState.UNKNOWN) | Q(state=OrderState.REFUSED, due_at__isnull=False)
    return CreditOrder.objects.filter(proving, meter=OuterRef("meter")).exclude(pk=OuterRef("pk"))


def on_battery() -> QuerySet[Site]:
    """The site, while the mains are away: nothing new is armed."""
    return Site.objects.filter(battery_since__isnull=False)


def in_force(order: CreditOrder, *, at: datetime) -> None:
    """Refuse a lease that ran out: whoever lost touch with the office for so long sends nothing. Raises LeaseLost."""
    until: datetime | None = getattr(order, "lease_until", None)
    if until is None or until <= at:
        raise LeaseLost(f"the lease of order {order.number}'s gateway ran out")
