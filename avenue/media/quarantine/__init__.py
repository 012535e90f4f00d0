"""Files that wait for the scanner, and infected files."""
