"""Pictures for many products at once: which file is whose, by the SKU in its name."""
