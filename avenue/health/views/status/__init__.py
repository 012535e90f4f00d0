"""The two questions ops and administrators ask: `products-status` and `storage-status`."""
