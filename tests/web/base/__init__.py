"""Tests of the console: base."""
