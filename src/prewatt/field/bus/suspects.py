"""Answers that did not come in time and may still come: no question that they could pass for is asked meanwhile.

An RTU answer names its unit, function and length, not the register. So after a time-out a question of the same shape
to the same unit waits: two seconds when it is the very same question (its answer would only be a little old), longer
when it asks for another register. A frame that looks like the one owed settles nothing: it may be a second one.
"""

from __future__ import annotations

from prewatt.field.bus.exchange import Question

SAME_QUESTION_S = 2.0
OTHER_QUESTION_S = 10.0


class Suspects:
    """What is still owed on a line. Empty on a healthy one."""

    def __init__(self) -> None:
        self.owed: list[tuple[float, Question]] = []

    def add(self, question: Question, now: float) -> None:
        """This question's answer is missing."""
        self.owed = [(since, other) for since, other in self.owed if now - since < OTHER_QUESTION_S]
        self.owed.append((now, question))

    def clear_at(self, question: Question, now: float) -> float:
        """From when on the question cannot be answered by something owed; at most ``now`` when it can be asked."""
        if not self.owed:
            return now
        free_at = now
        for since, owed in self.owed:
            if owed.head == question.head and owed.length == question.length:
                wait = SAME_QUESTION_S if owed.frame == question.frame else OTHER_QUESTION_S
                free_at = max(free_at, since + wait)
        return free_at
