"""Tests of the console: demo."""
