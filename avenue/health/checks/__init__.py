"""Walks over all that is stored: what they find, what mends it, and the trace of one asset."""
