"""What belongs to a site and to nothing else in it: how it comes to its library and goes."""
