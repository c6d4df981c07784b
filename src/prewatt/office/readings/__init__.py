"""Readings and the latest state of every meter, gateway and line."""
