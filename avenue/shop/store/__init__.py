"""What a shop keeps, in MongoDB: products, groups, and the pictures both own."""
