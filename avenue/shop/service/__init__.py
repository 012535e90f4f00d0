"""The use cases of the shop."""
