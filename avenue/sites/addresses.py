"""The hosts and the address of a site, in the one spelling they are kept in."""

import re
from urllib.parse import urlsplit

from avenue.config import is_origin
from avenue.sites.errors import InvalidHost

LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
HOST = re.compile(rf"(?:{LABEL}(?:\.{LABEL})*|\[[0-9a-f:.]{{2,45}}\])(?::[1-9][0-9]{{0,4}})?")
LONGEST_HOST = 253
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def checked_base_url(text: str) -> str:
    """Return an address as `https://shop.example`; raise `InvalidHost` when it is none."""
    if not is_origin(text):
        raise InvalidHost
    parts = urlsplit(text)
    host = parts.netloc.lower().removesuffix(DEFAULT_PORTS[parts.scheme])
    return f"{parts.scheme}://{checked_host(host)}"


def checked_host(text: str) -> str:
    """Return a host with its port, as a `Host` header spells it; raise `InvalidHost`.

    The ports of http and https are left out by browsers and cannot be given.
    """
    host = text.lower()
    if len(host) > LONGEST_HOST or not HOST.fullmatch(host):
        raise InvalidHost
    if host.endswith(tuple(DEFAULT_PORTS.values())):
        raise InvalidHost
    return host


def host_of(base_url: str) -> str:
    """Return the host, and port if any, of an address."""
    return urlsplit(base_url).netloc.lower()


def spellings(host: str) -> frozenset[str]:
    """Return `host`, and without the port of http or https if it has that."""
    return frozenset({host, *map(host.removesuffix, DEFAULT_PORTS.values())})
