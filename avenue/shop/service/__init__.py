"""What a shop can do."""
