"""A primary that froze, ten times, with the elections docs/operations.md recommends.

With MongoDB's own the members themselves took up to 21 s for an election, and up to 19 s until a
majority took writes again, without any Avenue (6.0.5): too long to be healthy after 25 s.
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
    """As recommended."""
    return 5_000


@pytest.fixture
def server(guard: Guard, replica_set: ReplicaSet) -> Iterator[Server]:
    with shop_on(guard, replica_set) as running:
        yield running


def test_a_frozen_primary_loses_and_cuts_nothing_and_comes_back(
    server: Server, replica_set: ReplicaSet, record_property: Callable[[str, object], None]
) -> None:
    for figures in rounds(server, replica_set, "freeze", ROUNDS):
        record_property("freeze", figures)
