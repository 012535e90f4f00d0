"""Import of an export into a site."""
