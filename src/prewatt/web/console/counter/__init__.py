"""The counter: find a customer, sell, see where the money is, print the two papers."""
