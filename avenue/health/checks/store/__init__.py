"""What walks read beside the assets themselves, and where they keep what they found."""
