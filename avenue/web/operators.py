"""Who may ask how the whole house is doing: this machine itself, or the house's own operators."""

import ipaddress
import re

from flask import Flask, current_app, g, request

from avenue.errors import Forbidden, Unauthenticated
from avenue.web.auth import CHALLENGE, signed_in_actor
from avenue.web.hosts import KnowsSites

EXTENSION = "avenue.operators"
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""What a request that came through somebody else says."""
PORT = re.compile(r":\d+$")


def install(app: Flask, sites: KnowsSites) -> None:
    """Let `app` know at which site somebody signed in who asks without a site."""
    app.extensions[EXTENSION] = sites


def admit_operator() -> None:
    """Raise `Unauthenticated` or `Forbidden` unless an operator asks.

    They are this machine itself, operators and administrators of the house's own site, and
    superusers. Whatever came through a proxy is not this machine, even if the proxy runs on it.
    """
    if _is_this_machine():
        return
    sites: KnowsSites = current_app.extensions[EXTENSION]
    g.site = sites.by_host(request.headers.get("Host", ""))
    if g.site is None or not g.site.is_open:
        raise Unauthenticated(headers=CHALLENGE)
    if not signed_in_actor().runs_house:
        raise Forbidden


def _is_this_machine() -> bool:
    """Tell whether this machine asks for itself, by its own address.

    A proxy may say nothing of whom it speaks for, but then it passes a name on as `Host`.
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
