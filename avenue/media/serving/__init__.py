"""How a file goes out: found, read, answered, kept at hand."""
