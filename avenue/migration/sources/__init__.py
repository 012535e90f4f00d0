"""Import sources: each lists its files and opens one of them."""
