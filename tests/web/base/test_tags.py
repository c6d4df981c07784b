"""Money, energy, ages and states as every page writes them."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.utils import translation

from prewatt.core.clock import SteppedClock
from prewatt.core.supply import ContactorState, SupplyMode, UnitState
from prewatt.web.console.base.states import CONTACTORS, MODES, STATES
from prewatt.web.console.base.templatetags.console import age_words, kw, kwh, money, scaled
from tests.office.factories import AT


def draw(source: str, **context: object) -> str:
    request = SimpleNamespace(clock=SteppedClock(AT), rights=frozenset({"vend.sell"}))
    return Template("{% load console %}" + source).render(Context({"request": request, **context}))


@pytest.mark.parametrize(("fen", "text"), [(123456, "¥1,234.56"), (0, "¥0.00"), (-5, "-¥0.05"), (None, "—"), ("", "—")])
def test_money_has_two_places_and_a_dash_when_unknown(fen: int | None, text: str) -> None:
    assert money(fen) == text


def test_energy_and_power_are_rounded_half_away_from_zero() -> None:
    assert (kwh(12_345_675), kwh(None)) == ("12,345.68", "—")
    assert (kw(1_235), kw(-1_235), kw(None)) == ("1.24", "-1.24", "—")


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(2304, 1, "230.4"), (5, 2, "0.05"), (-7, 2, "-0.07"), (962, 3, "0.962"), (None, 1, "—")],
)
def test_registers_are_shown_with_their_scale(value: int | None, places: int, text: str) -> None:
    assert scaled(value, places) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "3 秒前"), (-4, "0 秒前"), (61, "1 分钟前"), (7200, "2 小时前"), (200_000, "2 天前")]
)
def test_an_age_is_told_in_a_clerks_words(seconds: int, text: str) -> None:
    with translation.override("zh-hans"):
        assert age_words(seconds) == text


def test_the_exact_time_is_kept_beside_the_age() -> None:
    with translation.override("en"):
        drawn = draw("{% ago at %}", at=AT - timedelta(minutes=5))
    assert "5 minutes ago" in drawn
    assert 'title="2026-11-23 08:55:00"' in drawn


def test_what_was_never_read_says_so() -> None:
    with translation.override("zh-hans"):
        assert "从未" in draw("{% ago at %}", at=None)


def test_every_state_mode_and_contactor_has_a_face() -> None:
    assert STATES.keys() == set(UnitState)
    assert MODES.keys() == set(SupplyMode)
    assert CONTACTORS.keys() == set(ContactorState)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("well", "正常"), ("low-1", "报警1"), ("low-2", "报警2"), ("on-overdraft", "欠费"), ("off-empty", "欠费断电"),
        ("not-opened", "未开户"), ("out-of-contact", "失联"), ("forced-off", "强制断电"),
    ],
)  # fmt: skip
def test_a_badge_has_colour_icon_and_word(state: str, word: str) -> None:
    with translation.override("zh-hans"):
        drawn = draw("{% state_badge state %}", state=state)
    assert f"state--{state}" in drawn
    assert "ti ti-" in drawn
    assert word in drawn


def test_names_are_escaped_in_badges_and_icons() -> None:
    assert "<script" not in draw("{% icon name %}", name='"><script>')


def test_may_asks_for_one_right() -> None:
    assert draw('{% if request|may:"vend.sell" %}yes{% endif %}') == "yes"
    assert draw('{% if request|may:"roles.edit" %}yes{% endif %}') == ""
