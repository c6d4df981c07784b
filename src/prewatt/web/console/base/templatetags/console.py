"""Tags of every page: money, energy, the age of a reading, state badges, icons, the doors of the frame."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.template import Context
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from prewatt.core import energy as core_energy
from prewatt.core.money import Money, round_half_away
from prewatt.core.supply import ContactorState, SupplyMode, UnitState
from prewatt.office.operators.rights import RIGHTS
from prewatt.web.console.base import doors as registry
from prewatt.web.console.base.states import CONTACTORS, MODES, STATES, Face

register = template.Library()
DASH = "—"


def money(fen: int | Money | str | None) -> str:
    """¥1,234.56 from fen; a dash when it is not known."""
    if fen is None or isinstance(fen, str):  # a template gives "" for what is not there
        return DASH
    return str(fen if isinstance(fen, Money) else Money(fen))


def kwh(wh: int | str | None) -> str:
    """1,234.56 from watt-hours; the unit kWh stands in the heading or after it."""
    return DASH if wh is None or isinstance(wh, str) else core_energy.kwh(wh)


def kw(watts: int | str | None) -> str:
    """12.34 kW from watts."""
    if watts is None or isinstance(watts, str):
        return DASH
    hundredths = round_half_away(watts, 10)
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100:,}.{abs(hundredths) % 100:02d}"


for _filter in (money, kwh, kw):
    register.filter(_filter.__name__, _filter)
    register.simple_tag(_filter, name=_filter.__name__)


@register.filter
def scaled(value: int | str | None, places: int) -> str:
    """A whole number shown with so many decimal places: 2301|scaled:1 is 230.1."""
    if value is None or isinstance(value, str):
        return DASH
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(places + 1, "0")
    return f"{sign}{int(digits[:-places]):,}.{digits[-places:]}" if places else f"{value:,}"


def age_words(seconds: float) -> str:
    """How long ago, in the words of a clerk: 3 seconds ago, 5 minutes ago, 2 days ago."""
    whole = max(0, int(seconds))
    if whole < 60:
        return ngettext("%(n)d second ago", "%(n)d seconds ago", whole) % {"n": whole}
    if whole < 3600:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", whole // 60) % {"n": whole // 60}
    if whole < 86400:
        return ngettext("%(n)d hour ago", "%(n)d hours ago", whole // 3600) % {"n": whole // 3600}
    return ngettext("%(n)d day ago", "%(n)d days ago", whole // 86400) % {"n": whole // 86400}


@register.simple_tag(takes_context=True)
def ago(context: Context, at: datetime | None) -> str:
    """Age of a moment, kept up to date in the browser; the exact time on hover."""
    if not at:
        return format_html('<span class="ago ago--never">{}</span>', _("never"))
    return format_html(
        '<time class="ago" datetime="{}" data-at="{}" title="{}">{}</time>',
        at.isoformat(),
        int(at.timestamp()),
        stamp(at),
        age_words((context["request"].clock.now() - at).total_seconds()),
    )


@register.filter
def stamp(at: datetime | None) -> str:
    """Local date and time to the second: 2026-11-23 20:15:07."""
    return date_format(timezone.localtime(at), "Y-m-d H:i:s") if at else DASH


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the Tabler font; silent to screen readers, so give it a word beside or a title."""
    return format_html('<i class="ti ti-{} {}" aria-hidden="true"></i>', name, extra)


def _badge(face: Face, kind: str) -> SafeString:
    return format_html(
        '<span class="state {}--{}" title="{}"><i class="ti ti-{}" aria-hidden="true"></i>{}</span>',
        kind, face.key, face.hint, face.icon, face.word,
    )  # fmt: skip


@register.simple_tag
def state_badge(state: UnitState | str) -> SafeString:
    """A unit's state with colour, icon and word."""
    return _badge(STATES[UnitState(state)], "state")


@register.simple_tag
def mode_badge(mode: SupplyMode | str) -> SafeString:
    """Who decides about the contactor."""
    return _badge(MODES[SupplyMode(mode)], "mode")


@register.simple_tag
def contactor_badge(contactor: ContactorState | str) -> SafeString:
    """Position of the contactor."""
    return _badge(CONTACTORS[ContactorState(contactor)], "contactor")


@register.simple_tag(takes_context=True)
def doors(context: Context) -> tuple[registry.DoorLink, ...]:
    """The doors this visitor sees."""
    request = context["request"]
    match = request.resolver_match
    return registry.shown(request.rights, demo=request.site.demo, view_name=match.view_name if match else "")


@register.simple_tag(takes_context=True)
def site_time(context: Context) -> dict[str, Any]:
    """Site time for the browser's clock: milliseconds now, and how many times as fast as the wall's it runs."""
    clock = context["request"].clock
    speed = round(1 / clock.real(1.0), 3)
    return {
        "now_ms": int(clock.now().timestamp() * 1000),
        "speed": int(speed) if speed == int(speed) else speed,
        "fast": speed != 1,
    }


@register.simple_tag
def other_language() -> dict[str, str]:
    """The language one could switch to, named in itself."""
    now = get_language()
    code, name = next((code, name) for code, name in settings.LANGUAGES if code != now)
    return {"code": code, "name": str(name)}


@register.filter
def may(request: Any, code: str) -> bool:
    """Whether the operator holds a right: {% if request|may:"vend.sell" %}."""
    return code in request.rights


@register.filter
def right_name(code: object) -> str:
    """A right as people call it, "" for what is no right."""
    known = RIGHTS.get(str(code))
    return _(known.label) if known else ""
