"""Addresses by which existing clients upload."""
