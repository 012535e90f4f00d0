"""Links with which anyone can open a private upload for a limited time."""
