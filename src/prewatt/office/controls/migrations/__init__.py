"""Steps of the tables of controls."""
