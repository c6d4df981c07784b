"""Small drawings of the estate's lists: contact, age, occupancy of a line, a name with a second line below."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from prewatt.core.clock import Clock
from prewatt.core.supply import Contact
from prewatt.office.estate.protection import Standing
from prewatt.web.console.base.templatetags.console import age_words, stamp

LINE_FULL = 32  # devices an RS-485 line carries


def contact_words() -> dict[str, tuple[str, str, str]]:
    """Word, icon and colour of each state of contact."""
    return {
        Contact.OK: (_("answers"), "antenna-bars-5", "green"),
        Contact.OUT: (_("out of contact"), "antenna-bars-off", "dark"),
        Contact.UNKNOWN: (_("unknown"), "help-circle", "secondary"),
    }


def contact(state: str | None) -> SafeString:
    """Whether a meter or gateway answers, with colour, icon and word."""
    word, icon, colour = contact_words()[Contact(state or Contact.UNKNOWN)]
    return format_html(
        '<span class="l-contact l-contact-{}"><i class="ti ti-{}" aria-hidden="true"></i> {}</span>', colour, icon, word
    )


def protection_words() -> dict[Standing, tuple[str, str, str]]:
    """Word, icon and colour of each way to protect a gateway's link."""
    return {
        Standing.LOCAL: (_("serial port"), "usb", "secondary"),
        Standing.TLS: ("TLS 1.3", "lock", "green"),
        Standing.RECORDS: ("3DES", "lock-exclamation", "red"),
        Standing.EXPIRED: (_("3DES, its day is over"), "lock-x", "red"),
        Standing.CLEAR: (_("clear, private network"), "lock-open", "orange"),
        Standing.WEAK: (_("weak, private network"), "lock-open", "orange"),
        Standing.FORBIDDEN: (_("clear, not private: not read"), "lock-x", "red"),
    }


def protection(standing: Standing, until: date | None) -> SafeString:
    """How the way to a gateway is protected, as a badge; of triple DES with its last day."""
    word, icon, colour = protection_words()[standing]
    text = _("%(word)s until %(day)s") % {"word": word, "day": until} if standing is Standing.RECORDS else word
    return format_html(
        '<span class="l-guard l-guard-{}"><i class="ti ti-{}" aria-hidden="true"></i> {}</span>', colour, icon, text
    )


def age(at: datetime | None, clock: Clock) -> SafeString:
    """How long ago something was, kept up to date in the browser; the exact time on hover."""
    if at is None:
        return format_html('<span class="text-secondary">{}</span>', _("never"))
    return format_html(
        '<time class="ago" datetime="{}" data-at="{}" title="{}">{}</time>',
        at.isoformat(), int(at.timestamp()), stamp(at), age_words((clock.now() - at).total_seconds()),
    )  # fmt: skip


def occupancy(count: int) -> SafeString:
    """How many of the 32 places of a line are taken."""
    return format_html(
        '<span class="l-meter{}"><progress value="{}" max="{}"></progress><span>{} / {}</span></span>',
        " l-full" if count >= LINE_FULL else "", min(count, LINE_FULL), LINE_FULL, count, LINE_FULL,
    )  # fmt: skip


def below(first: Any, second: Any) -> SafeString:
    """A value with a quieter one under it."""
    return format_html('{}<span class="l-sub">{}</span>', first, second) if second else format_html("{}", first)


def permille(part: int, whole: int) -> str:
    """A share as per cent with one place; a dash while nothing was counted."""
    if not whole:
        return "–"
    tenths = (part * 1000 + whole // 2) // whole
    return f"{tenths // 10}.{tenths % 10} %"


def seconds(milliseconds: int | None) -> str:
    """Milliseconds as seconds with one place."""
    if not milliseconds:
        return "–"
    tenths = (milliseconds + 50) // 100
    return f"{tenths // 10}.{tenths % 10} s"


_ORDER_FACES = {
    "waiting": ("clock", "secondary"),
    "claimed": ("loader-2", "primary"),
    "done": ("circle-check", "green"),
    "failed": ("circle-x", "danger"),
    "unknown": ("help-circle", "orange"),
}


def order_state(state: str, word: Any, reason: str) -> SafeString:
    """State of a control order, with the reason when it failed."""
    icon, colour = _ORDER_FACES.get(state, ("help-circle", "secondary"))
    return below(
        format_html('<span class="text-{}"><i class="ti ti-{}" aria-hidden="true"></i> {}</span>', colour, icon, word),
        reason_words(reason),
    )


def reason_words(reason: str) -> str:
    """Why an exchange with a meter failed, in words; the code itself for one without."""
    known = {
        "timeout": _("no answer in time"),
        "time-out": _("no answer in time"),
        "no-answer": _("no answer in time"),
        "gateway-lost": _("its gateway does not answer"),
        "deadline": _("not carried out in time"),
        "too-late": _("not carried out in time"),
        "expired": _("not carried out in time"),
        "crc": _("answers are damaged on the line"),
    }
    return known.get(reason, reason)
