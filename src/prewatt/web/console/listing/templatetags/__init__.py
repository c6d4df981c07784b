"""Template tags of lists and forms."""
