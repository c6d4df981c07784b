"""Prewatt operators console: one Django app a door, all on the frame of ``base``."""
