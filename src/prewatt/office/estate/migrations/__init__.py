"""Steps of the tables of estate."""
