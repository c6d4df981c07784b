"""A unit's page: what its meters say now, what was bought, what was used; and the raw frames of a line."""
