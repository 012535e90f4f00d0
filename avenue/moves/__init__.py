"""Moving in and out as background work: begun by a command or in the panel, and the same work."""
