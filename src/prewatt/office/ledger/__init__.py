"""Double-entry ledger in fen: entries are added, never changed."""
