"""People, their roles and tokens, and signing in."""
