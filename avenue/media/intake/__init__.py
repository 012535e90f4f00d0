"""Receiving files: reading them, detecting their type, cleaning and storing them."""
