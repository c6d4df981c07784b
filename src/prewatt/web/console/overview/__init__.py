"""The wall: every unit of the building as a tile coloured by its state, live."""
