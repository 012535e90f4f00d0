"""Products with their pictures."""
