"""Pictures by SKU: matches the files of a ZIP with products, by the SKU in their names."""
