"""Which joint of a line to look at, by who answers. Each letter is a device in chain order: + answers, - silent, ? unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prewatt.core.chain import SILENT_TAIL, Break, Suspicion, suspect
from prewatt.core.supply import Contact

WORDS = {"+": Contact.OK, "-": Contact.OUT, "?": Contact.UNKNOWN}
NOTHING = Suspicion(Break.NONE)


def chain(letters: str) -> list[Contact]:
    return [WORDS[letter] for letter in letters]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("", NOTHING),
        ("+", NOTHING),
        ("-", NOTHING),  # one device alone: itself or its line, nobody can tell
        ("++++++++", NOTHING),
        ("--------", Suspicion(Break.HEAD, before=0, silent=8)),
        ("??----", Suspicion(Break.HEAD, before=2, silent=4)),
        ("????????", NOTHING),  # the gateway is away: nothing is known of the cable
        ("+" * 17 + "-" * 7, Suspicion(Break.JOINT, 16, 17, 7)),  # between the 17th and the 18th
        ("+-------", Suspicion(Break.JOINT, 0, 1, 7)),
        ("++++++--", Suspicion(Break.JOINT, 5, 6, 2)),
        ("+++++++-", NOTHING),  # the last one alone: more likely the meter
        ("+-++-+-+", NOTHING),  # scattered deaths
        ("--++++++", NOTHING),  # somebody behind them answers: the cable is whole
        ("+-+++---", Suspicion(Break.JOINT, 4, 5, 3)),  # a dead one before the break changes nothing
        ("+++??---", Suspicion(Break.JOINT, 2, 5, 3)),
        ("+++---??", Suspicion(Break.JOINT, 2, 3, 3)),
        ("+++-??", NOTHING),
    ],
)
def test_the_table(letters: str, expected: Suspicion) -> None:
    assert suspect(chain(letters)) == expected


@given(st.text("+-?", max_size=32))
def test_a_joint_is_never_named_where_somebody_behind_it_answers(letters: str) -> None:
    found = suspect(chain(letters))
    if found.kind is Break.NONE:
        return
    assert "+" not in letters[found.before :]
    assert letters[found.before] == "-"
    assert letters[found.before :].count("-") == found.silent >= SILENT_TAIL
    assert (found.kind is Break.HEAD) == ("+" not in letters)
    if found.kind is Break.JOINT:
        assert letters[found.after] == "+"
