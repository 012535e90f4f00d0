"""What somebody is to be told: one outbox for letters, webhooks, purges and notices."""
