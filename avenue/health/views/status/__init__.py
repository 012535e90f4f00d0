"""The two debug endpoints: `products-status` and `storage-status`."""
