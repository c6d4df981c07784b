"""Steps of the tables of ledger."""
