"""Writes events of files to the outbox, for webhooks and purges."""
