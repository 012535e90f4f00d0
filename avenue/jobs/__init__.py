"""Background work: what takes longer than a request, done once and resumed after a kill."""
