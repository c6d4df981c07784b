"""Selling credit and delivering it to the meter exactly once."""
