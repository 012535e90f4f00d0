"""What every route needs from Flask; knows nothing of pictures or shops."""
