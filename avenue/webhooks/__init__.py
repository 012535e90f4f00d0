"""Telling other programs what happened: signed messages by HTTP."""
