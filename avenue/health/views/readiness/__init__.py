"""Readiness to serve requests: `/readyz` and `python -m avenue probe`."""
