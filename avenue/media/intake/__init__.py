"""How a file comes in: received, told by its bytes, cleaned, stored."""
