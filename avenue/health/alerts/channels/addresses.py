"""Addresses that clients give us to be told at: `https`, its port, on the public Internet."""

from avenue.config import is_private_host
from avenue.errors import AvenueError
from avenue.outside.addresses import is_public
from avenue.outside.urls import target_of


def public_host(url: str) -> str | None:
    """Return the host of a URL that may be told something; None for any other.

    What its name leads to is looked at each time something is sent.
    """
    try:
        target = target_of(url)
    except AvenueError:
        return None
    is_named = "." in target.host and not is_private_host(target.host)
    is_fine = is_public(target.address) if target.address else is_named
    return target.host if target.scheme == "https" and is_fine else None
