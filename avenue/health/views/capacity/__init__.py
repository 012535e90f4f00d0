"""How long what there is will do, what more products need, and what to buy next."""
