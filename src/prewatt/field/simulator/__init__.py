"""A building that answers like a real one, byte for byte, with faults on demand."""
