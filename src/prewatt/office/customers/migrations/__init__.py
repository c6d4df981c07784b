"""Steps of the tables of customers."""
