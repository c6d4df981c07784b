"""Tests of the console: overview."""
