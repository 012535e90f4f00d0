"""Products from a table: a CSV or JSON file of whoever keeps the prices, brought in by SKU."""
