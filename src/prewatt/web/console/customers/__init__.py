"""Customers: who is supplied where, opening a supply, an agreement's own page."""
