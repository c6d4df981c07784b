"""Tests of the console: units."""
