"""MongoDB: the connection, scopes, GridFS, indexes."""
