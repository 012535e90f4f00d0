"""Serving files: finding, reading, answering, caching."""
