"""Limits how much one address may hold of a web process: connections, bytes.

An address may hold a share; beyond it, its own client that has waited longest is dropped. If all
together hold too much, it is that of the address with the most, so that small users stay.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Held(Protocol):
    """A client's connection."""

    address: str


Holder = TypeVar("Holder", bound=Held)

NOBODY = ""
"""The address of indistinguishable clients, such as connections of a proxy: no share."""


class Shares(Generic[Holder]):
    """Counts how much of one resource is held; for the single thread of the event loop."""

    def __init__(self, most: int, share_percent: int) -> None:
        """All together may hold `most`, one address `share_percent` of it."""
        self.most = most
        self.most_each = max(1, most * share_percent // 100)
        self.held = 0
        self._sums: dict[str, int] = {}
        self._holders: dict[str, dict[Holder, int]] = {}

    def hold(self, holder: Holder, count: int) -> None:
        """Set how much `holder` holds; it keeps its place among those who wait."""
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
        """Yield the clients to drop because `address` now holds more, longest waiting first."""
        if self.is_over(address):
            greedy = address
        elif self.held > self.most:
            greedy = max(self._sums, key=self._sums.__getitem__)
        else:
            return
        yield from tuple(self._holders[greedy])
