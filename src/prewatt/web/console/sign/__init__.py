"""Signing in and out, one's own password, one's own language."""
