"""Alternative texts in bulk: which pictures lack one, what is written, what may be suggested."""
