"""MongoDB itself: the connection, the scopes, the bytes, the indexes."""
