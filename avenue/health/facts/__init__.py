"""Facts that are read without judging them."""
