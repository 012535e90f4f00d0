"""Signed links: private files for whoever has the address, for a time."""
