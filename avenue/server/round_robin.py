"""A fair queue: addresses take turns, and each address is served in order of arrival."""

from collections.abc import Iterator
from typing import Generic

from avenue.server.shares import Holder


class RoundRobin(Generic[Holder]):
    """Waiting clients, served by address in turn; for the single thread of the event loop.

    So hundreds of requests from one address delay others by one request only.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, dict[Holder, None]] = {}

    def __contains__(self, client: Holder) -> bool:
        return client in self._waiting.get(client.address, ())

    def __iter__(self) -> Iterator[Holder]:
        for clients in self._waiting.values():
            yield from clients

    def add(self, client: Holder) -> None:
        """Add `client` at the end of the queue of its address."""
        self._waiting.setdefault(client.address, {})[client] = None

    def next(self) -> Holder | None:
        """Remove and return the next client; None if no one waits."""
        if not self._waiting:
            return None
        address = next(iter(self._waiting))
        clients = self._waiting.pop(address)
        found = next(iter(clients))
        del clients[found]
        if clients:
            self._waiting[address] = clients  # behind the others
        return found

    def remove(self, client: Holder) -> None:
        """Remove `client` from the queue."""
        clients = self._waiting[client.address]
        del clients[client]
        if not clients:
            del self._waiting[client.address]
