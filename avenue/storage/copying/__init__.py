"""Copying: the records of a scope at one point in time, and files by their sha256."""
