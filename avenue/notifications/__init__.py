"""The outbox: emails, webhooks, purges and other messages that wait for their receivers."""
