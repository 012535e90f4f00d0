"""Limits on attempts to guess or abuse something: by account and by address."""

import hashlib
import ipaddress

from avenue.errors import TooManyRequests
from avenue.storage.rate_limits import RateLimits

ADDRESS_FACTOR = 10  # attempts of one address for all accounts together
IPV6_NETWORK_BITS = 64  # one household owns all of that


class Tries:
    """Counts attempts of one `kind`; the stored keys reveal neither emails nor addresses."""

    def __init__(self, counter: RateLimits, kind: str, *, per_minute: int) -> None:
        self._counter = counter
        self._kind = kind
        self._per_minute = per_minute

    def count(self, email: str, address: str) -> None:
        """Count for the address alone (against trying many accounts), then for account and address.

        `address` is the caller's IP address. Raise `TooManyRequests` above the limits.
        """
        where = neighbourhood(address)
        self._raise_any(
            self._hit(where, self._per_minute * ADDRESS_FACTOR),
            self._hit(f"{where} {email}", self._per_minute),
        )

    def count_address(self, address: str) -> None:
        """Count for the address alone. Raise `TooManyRequests` above the limit."""
        self._raise_any(self._hit(neighbourhood(address), self._per_minute * ADDRESS_FACTOR))

    def count_account(self, email: str) -> None:
        """Count for the account alone, from any address.

        Raise `TooManyRequests` above the limit.
        """
        self._raise_any(self._hit(f"account {email}", self._per_minute))

    def _raise_any(self, *waits: int) -> None:
        if any(waits):
            raise TooManyRequests("Too many tries from here.", retry_after_seconds=max(waits))

    def _hit(self, what: str, limit: int) -> int:
        return self._counter.hit(f"{self._kind}:{sha256(what)}", limit)


def sha256(text: str) -> str:
    """Return the sha-256, in hex, of a text that must not be stored itself."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def neighbourhood(address: str) -> str:
    """Return the address, or the network of an IPv6 address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    network = ipaddress.IPv6Network((int(ip), IPV6_NETWORK_BITS), strict=False)
    return str(ip.ipv4_mapped or network)
