"""Steps of the tables of operators."""
