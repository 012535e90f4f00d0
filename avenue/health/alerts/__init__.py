"""What somebody has to know before it is too late, told once."""
