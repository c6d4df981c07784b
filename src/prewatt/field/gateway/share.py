"""How much of the uplink's time the past may take: a fifth, in portions so small that the present hardly waits."""

from __future__ import annotations

from math import inf

FRACTION = 0.2
PORTION_S = 0.5  # what one portion may take; nothing fresher waits longer than that behind it
LEAST_ROWS, FIRST_ROWS, MOST_ROWS = 5, 50, 2_000


class Share:
    """Counts how long portions took and says when the next may go, and how large it may be."""

    def __init__(self) -> None:
        self.rows = FIRST_ROWS
        self.free_at = -inf

    def took(self, began: float, ended: float) -> None:
        """A portion occupied the uplink for that time."""
        seconds = ended - began
        self.free_at = ended + seconds * (1 / FRACTION - 1)
        if seconds > PORTION_S:
            self.rows = max(LEAST_ROWS, self.rows // 2)
        elif seconds < PORTION_S / 3:
            self.rows = min(MOST_ROWS, self.rows * 2)

    def failed(self, now: float, pause: float) -> None:
        """It was not taken: begin small again, later."""
        self.rows = FIRST_ROWS
        self.free_at = now + pause
