"""Idempotent requests to a meter, such as read-now: asked by a person, carried by the head-end."""
