"""Parts of the list kit by themselves: what is typed into forms, cells of Excel, filters, the one-time token."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from prewatt.web.console.listing.cells import Column, Kind
from prewatt.web.console.listing.filters import Choice, Days
from prewatt.web.console.listing.forms import ScaledField
from prewatt.web.console.listing.workbook import write_workbook

YUAN = ScaledField(places=2)


@given(st.integers(-(10**13) + 1, 10**13 - 1))
def test_a_kept_number_is_typed_back_as_itself(fen) -> None:
    assert YUAN.clean(YUAN.text(fen)) == fen


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("12.5", 1250),
        ("1,234.50", 123450),
        ("¥8", 800),
        (" 0.10 ", 10),
        ("3.", 300),
        ("1.500", 150),
        ("-2", -200),
        ("\uff11\uff10\uff10", 10000),
        ("1\uff0c234\uff0e5", 123450),
        ("\uffe512\u30025", 1250),
    ],
)
def test_a_number_is_read_as_people_type_it(typed, fen) -> None:
    assert YUAN.clean(typed) == fen


@pytest.mark.parametrize(
    "typed",
    ["1.005", "12,5", "1,00", ",5", "1,2345", "abc", "1e3", "", "--1", "1.2.3", "٣", "9" * 13, ".5", "0x1", "NaN"],
)
def test_what_is_no_number_is_refused(typed) -> None:
    with pytest.raises(ValidationError):
        YUAN.clean(typed)


def test_limits_are_told_as_they_would_be_typed() -> None:
    field = ScaledField(places=2, low=0, high=100_00)
    for typed, limit in (("-1", "0.00"), ("100.01", "100.00")):
        with pytest.raises(ValidationError, match=limit):
            field.clean(typed)


class Row:
    pk = 1

    def __init__(self, value) -> None:
        self.value = value


def exported(kind: Kind, value):
    return Column("c", "C", "value", kind=kind).exported(Row(value))


def test_money_and_energy_go_out_exact() -> None:
    assert exported(Kind.MONEY, 123456) == Decimal("1234.56")
    assert exported(Kind.MONEY, -1) == Decimal("-0.01")
    assert exported(Kind.ENERGY, 12345678) == Decimal("12345.68")


def test_text_that_looks_like_a_formula_stays_text() -> None:
    file = io.BytesIO()
    texts = ["=1+1", "+A1", "-1", "@x", "http://a.b", "{=1}"]
    assert write_workbook(file, "a/b:c[x]" * 9, [Column("c", "C", "value")], [Row(text) for text in texts]) == len(
        texts
    )
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue())).get_sheet_by_index(0)
    assert [row[0] for row in sheet.to_python()] == ["C", *texts]
    assert b"<f>" not in file.getvalue()


def test_a_time_goes_out_as_the_sites_clock_showed_it() -> None:
    with timezone.override("Asia/Shanghai"):
        assert exported(Kind.TIME, datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) == datetime(2026, 11, 24, 0, 0)


def test_a_missing_link_is_an_empty_cell() -> None:
    column = Column("c", "C", "value.name")
    assert column.exported(Row(None)) is None
    assert "–" in column.html(Row(None))


def test_markup_in_a_value_is_escaped() -> None:
    assert "<b>" not in Column("c", "C", "value").html(Row("<b>x</b>"))
    assert "<b>" not in Column("c", "C", "value", cell=lambda row: row.value).html(Row("<b>x</b>"))


def test_a_filter_takes_no_value_but_its_own() -> None:
    choice = Choice("kind", "Kind", [("a", "A"), (1, "One")], "kind")
    assert choice.chosen(QueryDict("kind=1")) == ("1", "One")
    assert choice.chosen(QueryDict("kind=b")) is None
    assert choice.chips(QueryDict("kind=a")) == [("kind", "Kind: A")]


@pytest.mark.parametrize("text", ["2026-02-30", "x", "", "0001-01-01", "9999-12-31", "2026-1-1"])
def test_a_day_that_is_none_is_ignored(text) -> None:
    assert Days("at", "At", "at").chips(QueryDict(f"at_from={text}&at_to={text}")) == []


def test_days_are_chips_of_their_own() -> None:
    chips = Days("at", "At", "at").chips(QueryDict(f"at_from={date(2026, 11, 1)}&at_to={date(2026, 11, 2)}"))
    assert [key for key, _text in chips] == ["at_from", "at_to"]


def test_refusals_reach_the_person_in_their_language() -> None:
    from prewatt.core.errors import Refusal
    from prewatt.web.console.listing.forms import words

    with translation.override("en"):
        assert words(Refusal("x", "Line %(line)s is full.", line="A")) == "Line A is full."
        assert words(Refusal("x", "100 % sure.")) == "100 % sure."
