"""Several uploads as one ZIP."""
