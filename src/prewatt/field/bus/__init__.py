"""One RS-485 line as a sans-I/O state machine, and the drivers that give it time and bytes."""
