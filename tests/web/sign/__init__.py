"""Tests of the console: sign."""
