"""URLs in documents that should not be there, and their replacement by assets."""
