"""Operators, their roles and rights, and the log of what they did."""
