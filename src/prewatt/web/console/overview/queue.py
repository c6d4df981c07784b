"""What needs a person: one queue for money that waits, gateways and meters that do not answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from prewatt.core.money import Money
from prewatt.core.supply import Contact, UnitState
from prewatt.office.estate import selectors as estate
from prewatt.office.operators.models import Operator
from prewatt.office.readings import selectors as readings
from prewatt.office.readings.models import GatewayState
from prewatt.office.vending import selectors as vending
from prewatt.office.vending.models import OrderState
from prewatt.web.console.base.doors import link_to

MOST = 40  # more of one kind are one line: a list, not a wall of them


@dataclass(frozen=True, slots=True)
class Item:
    """One thing somebody must look at. ``weight`` is "grave" when money or many units hang on it."""

    icon: str
    title: str
    detail: str
    since: datetime | None
    address: str
    weight: str = "plain"


def queue_of(operator: Operator, tiles: Sequence[readings.Tile], now: datetime) -> list[Item]:
    """The queue: money first, then gateways, then single meters."""
    return [*_money(operator, now), *_gateways(operator), *_meters(tiles)]


def _money(operator: Operator, now: datetime) -> Iterator[Item]:
    words = {
        OrderState.QUARANTINE: _("in quarantine"),
        OrderState.REFUSED: _("refused by the meter"),
        OrderState.UNKNOWN: _("not proven yet"),
        OrderState.QUEUED: _("waits for the meter"),
    }
    for order in vending.waiting(operator, at=now)[:MOST]:
        yield Item(
            "cash-off",
            f"{order.agreement.premises.number} {Money(order.requested_fen)}",
            words.get(OrderState(order.state), ""),
            order.at,
            link_to("counter:order", order.number),
            "grave",
        )


def _gateways(operator: Operator) -> Iterator[Item]:
    visible = estate.gateways(operator).values("pk")
    lost = GatewayState.objects.filter(contact=Contact.OUT, gateway__in=visible).select_related("gateway")
    for state in lost.order_by("since")[:MOST]:
        yield Item(
            "router-off",
            state.gateway.name,
            _("gateway out of contact"),
            state.since,
            link_to("estate:gateways"),
            "grave",
        )


def _meters(tiles: Sequence[readings.Tile]) -> Iterator[Item]:
    lost = [tile for tile in tiles if tile.state is UnitState.OUT_OF_CONTACT and tile.contact is Contact.OUT]
    lost.sort(key=lambda tile: tile.contact_since.timestamp() if tile.contact_since else 0.0)
    for tile in lost[:MOST]:
        yield Item(
            "antenna-bars-off",
            tile.unit,
            _("out of contact"),
            tile.contact_since,
            reverse("units:page", args=[tile.unit]),
        )
