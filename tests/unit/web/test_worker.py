"""One iteration of the worker's loop handles a few clients, those of each address in turn."""

import selectors
from collections import Counter, deque
from functools import partial
from types import SimpleNamespace

from avenue.server.worker import CLIENTS_AT_ONCE, SENT_AT_ONCE, Worker

GREEDY = 1000


class Poller:
    """Everything registered is ready, always in the same order."""

    def __init__(self, *callbacks: object) -> None:
        self._keys = [selectors.SelectorKey("socket", 0, 0, each) for each in callbacks]

    def select(self, _timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        return [(each, 0) for each in self._keys]


def test_one_address_with_a_thousand_clients_keeps_nobody_waiting() -> None:
    handled: list[object] = []
    greedy = [SimpleNamespace(address="greedy", handled_in=0) for _ in range(GREEDY)]
    other = SimpleNamespace(address="other", handled_in=0)

    def handle(conn: SimpleNamespace, _socket: str) -> None:
        handled.append(conn)

    worker = Worker.__new__(Worker)
    worker._iterations = 0
    worker._to_give = deque(partial(handled.append, "read") for _ in range(GREEDY))
    clients = [partial(handle, each) for each in (*greedy, other)]
    worker.poller = Poller(*clients, lambda _socket: handled.append("accepted"))
    worker.wait_for_and_dispatch_events(1.0)
    assert handled[:3] == ["accepted", greedy[0], other]
    assert len(handled) == CLIENTS_AT_ONCE + SENT_AT_ONCE

    worker._to_give.clear()
    rounds = -(-GREEDY // (CLIENTS_AT_ONCE - 2))
    for _ in range(rounds - 1):
        worker.wait_for_and_dispatch_events(1.0)
    often = Counter(id(each) for each in handled if each in greedy)
    assert len(often) == GREEDY, "nobody is passed over, though all are ready all the time"
    assert sum(each is other for each in handled) == rounds
