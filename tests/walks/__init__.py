"""Walks in a real browser through a real, running building: what a person does, seen as a person sees it."""
