"""Parses URLs that people typed, in the one unambiguous way."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from socket import AF_INET6, inet_ntop
from urllib.parse import SplitResult, quote, unquote, urlsplit

from avenue.outside.errors import BadUrl

LONGEST_URL_CHARACTERS = 2048
PORTS = {"http": 80, "https": 443}

_UNWANTED = re.compile(r"[\x00-\x1f\x7f\\]|[\ud800-\udfff]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_HOST = 253
# What a path and a query may contain (RFC 3986), and percent signs, which are not encoded again.
_SAFE = "/:@!$&'()*+,;=-._~%?[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target of a URL. `host` is ASCII; `address` is set if the host is an IP address."""

    scheme: str
    host: str
    port: int
    path: str
    address: str | None

    @property
    def file_name(self) -> str:
        """The last part of the path, decoded; it may be empty."""
        return unquote(self.path.partition("?")[0].rpartition("/")[2])


def target_of(url: str, *, any_port: bool = False) -> Target:
    """Return the target of `url`; raise `BadUrl`. `any_port` allows other ports than the usual.

    The spellings of an IPv4 address that only C libraries know (`127.1`, `0x7f000001`,
    `2130706433`, `0177.0.0.1`) are rejected wherever they lead.
    """
    text = url.strip()
    if not text or len(text) > LONGEST_URL_CHARACTERS or _UNWANTED.search(text):
        raise BadUrl
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadUrl from None
    if parts.scheme not in PORTS or not host.isprintable():
        raise BadUrl
    if any(each in parts.netloc for each in "@%") or parts.netloc.endswith(":"):
        raise BadUrl
    if port is not None and port not in PORTS.values() and not any_port:
        raise BadUrl
    name, address = _read_host(host, is_bracketed="[" in parts.netloc)
    return Target(
        scheme=parts.scheme,
        host=name,
        port=port or PORTS[parts.scheme],
        path=_path(parts),
        address=address,
    )


def _read_host(host: str, *, is_bracketed: bool) -> tuple[str, str | None]:
    """Return a host in ASCII, and its address if it is one."""
    try:
        if is_bracketed:
            # Not `str(…)`: Python formats IPv4-mapped addresses differently since 3.13.
            address = inet_ntop(AF_INET6, IPv6Address(host).packed)
            return address, address
        name = host.encode("idna").decode().lower().removesuffix(".")
    except (UnicodeError, AddressValueError):
        raise BadUrl from None
    labels = name.split(".")
    if len(name) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise BadUrl
    # A host whose last label is a number is an address (WHATWG URL, section 3.5).
    if not _NUMBER.fullmatch(labels[-1]):
        return name, None
    try:
        return name, str(IPv4Address(name))
    except AddressValueError:
        raise BadUrl from None


def _path(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_SAFE.replace("?", ""))
    return f"{path}?{quote(parts.query, safe=_SAFE)}" if parts.query else path
