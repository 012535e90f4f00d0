"""A primary that goes, with elections as slow as MongoDB comes, ten times in each way.

A frozen one has `test_frozen_primary.py`.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.failover import rounds, shop_on
from tests.mongod import Guard, ReplicaSet
from tests.server import Server

ROUNDS = 10

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def election_timeout_millis() -> int:
    """MongoDB's default."""
    return 10_000


@pytest.fixture
def server(guard: Guard, replica_set: ReplicaSet) -> Iterator[Server]:
    with shop_on(guard, replica_set) as running:
        yield running


@pytest.mark.parametrize("event", ["step-down", "SIGTERM", "SIGKILL"])
def test_whatever_happens_to_the_primary_nothing_is_lost(
    server: Server,
    replica_set: ReplicaSet,
    event: str,
    record_property: Callable[[str, object], None],
) -> None:
    for figures in rounds(server, replica_set, event, ROUNDS):
        record_property(event, figures)
