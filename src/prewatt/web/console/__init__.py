"""The operators' console, Chinese first."""
