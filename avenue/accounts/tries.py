"""Limits on attempts to guess or abuse something: by account and by address."""

import hashlib

from avenue.errors import TooManyRequests
from avenue.identity import network_of
from avenue.storage.rate_limits import RateLimits

ADDRESS_FACTOR = 10  # attempts of one address for all accounts together


class Tries:
    """Counts attempts of one `kind`.

    Emails and addresses in the stored keys cannot be read or guessed without SECRET_KEY.
    """

    def __init__(self, counter: RateLimits, kind: str, *, per_minute: int) -> None:
        self._counter = counter
        self._kind = kind
        self._per_minute = per_minute

    def count(self, email: str, address: str) -> None:
        """Count for the address alone (against trying many accounts), then for account and address.

        `address` is the caller's IP address. Raise `TooManyRequests` above the limits.
        """
        where = network_of(address)
        self._raise_any(
            self._hit(where, self._per_minute * ADDRESS_FACTOR),
            self._hit(f"{where} {email}", self._per_minute),
        )

    def count_address(self, address: str) -> None:
        """Count for the address alone. Raise `TooManyRequests` above the limit."""
        self._raise_any(self._hit(network_of(address), self._per_minute * ADDRESS_FACTOR))

    def count_account(self, email: str) -> None:
        """Count for the account alone, from any address.

        Raise `TooManyRequests` above the limit.
        """
        self._raise_any(self._hit(f"account {email}", self._per_minute))

    def _raise_any(self, *waits: int) -> None:
        if any(waits):
            raise TooManyRequests("Too many tries from here.", retry_after_seconds=max(waits))

    def _hit(self, what: str, limit: int) -> int:
        return self._counter.hit(f"{self._kind}:{self._counter.mark(what)}", limit)


def sha256(text: str) -> str:
    """Return the sha-256, in hex, of a random secret that must not be stored itself.

    Emails and addresses could be found by trying all of them: see `RateLimits.mark`.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
