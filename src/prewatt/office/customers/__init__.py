"""Customers and the supply agreements that tie them to a unit and its meters."""
