"""Who holds how much of what a web process has for clients that are slow: connections, bytes.

An address may hold a share; beyond it, its own client that has waited longest has to go. When all
together hold too much, that of the address with the most has to, so those who hold little stay.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Held(Protocol):
    """A client's connection."""

    address: str


Holder = TypeVar("Holder", bound=Held)

NOBODY = ""
"""The address of what cannot be told apart, as the connections of a proxy: it has no share."""


class Shares(Generic[Holder]):
    """Counts what is held of one thing; for the one thread of the event loop."""

    def __init__(self, most: int, share_percent: int) -> None:
        """All together may hold `most`, one address `share_percent` of it."""
        self.most = most
        self.most_each = max(1, most * share_percent // 100)
        self.held = 0
        self._sums: dict[str, int] = {}
        self._holders: dict[str, dict[Holder, int]] = {}

    def hold(self, holder: Holder, count: int) -> None:
        """Note that `holder` holds `count` from now on; it keeps its place among those who wait."""
        address = holder.address
        holders = self._holders.setdefault(address, {})
        more = count - holders.get(holder, 0)
        if count:
            holders[holder] = count
        else:
            holders.pop(holder, None)
        self.held += more
        self._sums[address] = self._sums.get(address, 0) + more
        if not holders:
            del self._holders[address], self._sums[address]

    def is_over(self, address: str) -> bool:
        """Return whether `address` holds more than its share."""
        return address != NOBODY and self._sums.get(address, 0) > self.most_each

    def excess(self, address: str) -> Iterator[Holder]:
        """Give who has to go because `address` holds more now, who has waited longest first."""
        if self.is_over(address):
            greedy = address
        elif self.held > self.most:
            greedy = max(self._sums, key=self._sums.__getitem__)
        else:
            return
        yield from tuple(self._holders[greedy])
