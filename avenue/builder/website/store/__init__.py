"""Pages and their history, in MongoDB."""
