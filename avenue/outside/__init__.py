"""Outgoing requests: restricted to public addresses unless an operator configured the host."""
