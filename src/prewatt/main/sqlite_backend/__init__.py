"""SQLite as a till needs it: a recent library, a fair queue of writers, and commits that survive a power cut."""
