"""Writing down what becomes of files, for a receiver that is to be told of it."""
