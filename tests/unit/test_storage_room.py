"""A site's quota is one, however many ask for room at once."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import pytest

from avenue.config import Settings
from avenue.identity import Site
from avenue.storage.room import QuotaExceeded, StorageRoom

THREADS, ROUNDS, PLACES = 8, 100, 3
SITE = Site(id="a", hosts=(), base_url="https://a.example", name="A", quota_bytes=PLACES * 10)


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_no_two_get_the_last_place() -> None:
    nowhere = SimpleNamespace(repeat=lambda *_: {}, raw=None, read_seconds=1)
    begun = Barrier(THREADS)

    def ask(room: StorageRoom) -> bool:
        begun.wait(60)
        try:
            room.check(SITE, 10)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(ROUNDS):
            room = StorageRoom(nowhere, Settings(local=True), lambda _: 0)
            assert sum(pool.map(ask, [room] * THREADS)) == PLACES
