"""Assets, their bytes and their old addresses, in MongoDB."""
