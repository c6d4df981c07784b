"""Steps of the tables of vending."""
