"""Links that open a private upload for whoever has them, for a time."""
