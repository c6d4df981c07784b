"""The estate: groups of units, gateways, lines, meters, unit numbers, and who may see which."""
