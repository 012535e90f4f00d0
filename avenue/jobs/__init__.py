"""Background jobs: work that takes longer than a request, done once and resumed after a crash."""
