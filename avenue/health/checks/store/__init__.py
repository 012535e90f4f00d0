"""Data that checks read besides assets, and the storage of their findings."""
