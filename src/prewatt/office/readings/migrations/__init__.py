"""Steps of the tables of readings."""
