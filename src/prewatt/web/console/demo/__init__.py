"""Faults of the simulated building on demand; exists only on a demo site."""
