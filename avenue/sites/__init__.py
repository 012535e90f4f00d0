"""What a site says of itself: name, logo, colours, address, limits."""
