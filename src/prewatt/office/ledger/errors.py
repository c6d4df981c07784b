"""What can be wrong with a posting. These are our own mistakes, never a person's: they stop the task."""

from __future__ import annotations


class Unbalanced(AssertionError):
    """The lines of a transaction do not sum to zero, or one of them carries nothing."""
