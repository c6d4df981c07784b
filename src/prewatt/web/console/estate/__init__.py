"""The estate's pages: buildings, gateways, lines, meters, unit numbers, defaults, and the import of all of it."""
