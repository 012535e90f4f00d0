"""How long the resources will last, what more products need, and what to buy next."""
