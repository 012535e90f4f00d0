"""Can requests be served? `/readyz` and `python -m avenue probe`."""
