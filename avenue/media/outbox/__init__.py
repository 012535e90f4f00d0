"""Telling a receiver what became of files: each event until it has accepted it."""
