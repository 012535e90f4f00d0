"""The doctor: what is amiss with this deployment, where, and what cures it."""
