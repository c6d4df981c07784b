"""The books: who, where, how much. Synchronous Django apps."""
