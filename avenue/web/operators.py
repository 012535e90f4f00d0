"""Restricts operational routes to this machine itself and the operators of the deployment."""

import ipaddress
import re

from flask import Flask, current_app, g, request

from avenue.errors import Forbidden, Unauthenticated
from avenue.web.auth import CHALLENGE, signed_in_actor
from avenue.web.hosts import KnowsSites

EXTENSION = "avenue.operators"
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""Headers of a request that came through a proxy."""
PORT = re.compile(r":\d+$")


def install(app: Flask, sites: KnowsSites) -> None:
    """Set the site at which people sign in for requests without a site."""
    app.extensions[EXTENSION] = sites


def admit_operator() -> None:
    """Raise `Unauthenticated` or `Forbidden` unless an operator asks.

    These are this machine itself, operators and administrators of the default site, and superusers.
    A request through a proxy does not count as this machine, even if the proxy runs on it.
    """
    if _is_this_machine():
        return
    sites: KnowsSites = current_app.extensions[EXTENSION]
    g.site = sites.by_host(request.headers.get("Host", ""))
    if g.site is None or not g.site.is_open:
        raise Unauthenticated(headers=CHALLENGE)
    if not signed_in_actor().runs_deployment:
        raise Forbidden


def _is_this_machine() -> bool:
    """Return whether this machine itself asks, at its own address.

    A proxy may send no forwarding headers, but then it passes a host name on as `Host`.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    host = PORT.sub("", request.headers.get("Host", "")).lower()
    is_own = host == "localhost" or _is_loopback(host.removeprefix("[").removesuffix("]"))
    return is_own and _is_loopback(request.remote_addr or "")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
