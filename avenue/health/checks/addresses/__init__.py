"""Addresses in documents that should not be there, and what lets records name assets instead."""
