"""Checks of webhook and push URLs from clients: `https`, port 443, on the public Internet."""

from avenue.errors import AvenueError
from avenue.networks import is_private_host, is_public
from avenue.outside.urls import target_of


def public_host(url: str) -> str | None:
    """Return the host of an allowed URL; None for any other.

    The addresses of its name are checked each time something is sent.
    """
    try:
        target = target_of(url)
    except AvenueError:
        return None
    is_named = "." in target.host and not is_private_host(target.host)
    is_fine = is_public(target.address) if target.address else is_named
    return target.host if target.scheme == "https" and is_fine else None
