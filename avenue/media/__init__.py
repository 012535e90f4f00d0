"""Stored files: models, policies, storage, sizes, delivery."""
