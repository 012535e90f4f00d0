"""Tickets: somebody without an account uploads one file for who made the ticket."""
