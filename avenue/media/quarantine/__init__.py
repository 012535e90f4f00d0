"""Files that wait for the scanner, and those in which it has found something."""
