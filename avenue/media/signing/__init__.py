"""Signed links: temporary access to private files for anyone with the address."""
