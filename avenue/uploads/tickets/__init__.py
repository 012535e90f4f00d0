"""Tickets: permission to upload one file without an account, for the ticket's owner."""
