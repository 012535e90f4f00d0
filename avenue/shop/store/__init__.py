"""The stores of the shop in MongoDB: products, groups, and their pictures."""
