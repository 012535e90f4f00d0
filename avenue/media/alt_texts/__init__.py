"""Alternative texts in bulk: finding pictures without one, writing and suggesting texts."""
