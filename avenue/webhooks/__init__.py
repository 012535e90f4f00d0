"""Signed messages to other programs by HTTP."""
