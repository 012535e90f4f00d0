"""Who waits for one of a few places: each address in turn, at an address who came first."""

from collections.abc import Iterator
from typing import Generic

from avenue.server.shares import Holder


class RoundRobin(Generic[Holder]):
    """Clients that wait, served by address in turn; for the one thread of the event loop.

    So the hundreds that one address sends keep nobody else waiting for more than one of them.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, dict[Holder, None]] = {}

    def __contains__(self, client: Holder) -> bool:
        return client in self._waiting.get(client.address, ())

    def __iter__(self) -> Iterator[Holder]:
        for clients in self._waiting.values():
            yield from clients

    def add(self, client: Holder) -> None:
        """Let `client` wait, last of its address."""
        self._waiting.setdefault(client.address, {})[client] = None

    def next(self) -> Holder | None:
        """Take out whose turn it is; None when nobody waits."""
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
        """Let `client` wait no longer."""
        clients = self._waiting[client.address]
        del clients[client]
        if not clients:
            del self._waiting[client.address]
