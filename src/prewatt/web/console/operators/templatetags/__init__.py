"""Template tags about operators."""
