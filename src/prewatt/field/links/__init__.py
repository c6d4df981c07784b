"""Byte links to a line or a gateway: open, close, exchange. They never retry."""
