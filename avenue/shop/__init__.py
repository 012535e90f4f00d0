"""The shop: products, groups and their pictures."""
