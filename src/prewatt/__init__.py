"""Prewatt: prepaid electricity for a building, from the meter on the wire to the receipt on the counter."""

__version__ = "0.1.0"
