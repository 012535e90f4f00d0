"""Upload paths of existing clients."""
