"""Tags of the counter: an order's state, amounts without the sign, energy to the whole kWh, figures of a paper."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from prewatt.core.energy import WH_PER_KWH
from prewatt.core.money import Money, round_half_away
from prewatt.office.vending.models import CreditOrder
from prewatt.web.console.counter import faces
from prewatt.web.console.counter.sales import order_badge as drawn_badge
from prewatt.web.console.counter.story import face_of

register = template.Library()


@register.simple_tag
def order_badge(order: CreditOrder) -> SafeString:
    """State of an order with colour, icon and word."""
    return drawn_badge(order)


@register.simple_tag
def order_sign(order: CreditOrder) -> SafeString:
    """State of an order where there is room for an icon only; the word on hover."""
    face = face_of(order.state)
    return format_html(
        '<span class="order-sign order--{}" title="{}"><i class="ti ti-{}" aria-hidden="true"></i>'
        '<span class="visually-hidden">{}</span></span>',
        face.key, face.word, face.icon, face.word,
    )  # fmt: skip


@register.filter
def yuan(amount: Money | int) -> str:
    """1,234.50, or 500 when there are no fen: as one says an amount."""
    text = str(amount if isinstance(amount, Money) else Money(amount)).replace("¥", "")
    return text.removesuffix(".00")


@register.filter
def about_kwh(energy_wh: int) -> str:
    """Energy to the whole kWh: an estimate pretends to no more."""
    return f"{round_half_away(energy_wh, WH_PER_KWH):,}"


@register.filter
def masked(phone: str) -> str:
    """A phone number by its last digits."""
    return faces.masked(phone or "")
