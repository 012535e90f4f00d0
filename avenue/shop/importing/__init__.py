"""Importing products from a table: a CSV, Excel or JSON file, matched by SKU."""
