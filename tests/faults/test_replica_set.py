"""Three members, of which the primary goes in one way or another while pictures come and go."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.storage.connection import Database
from avenue.storage.schema import DEFAULT_SITE
from avenue.storage.scope import site
from tests.faults.failover import EVENTS, rounds, shop_on
from tests.mongod import Guard, ReplicaSet, database_name, fail_point
from tests.server import Server, prepare


@pytest.fixture
def server(guard: Guard, replica_set: ReplicaSet) -> Iterator[Server]:
    with shop_on(guard, replica_set) as running:
        yield running


@pytest.mark.parametrize("event", EVENTS)
def test_what_happens_to_the_primary_loses_nothing_and_cuts_nothing(
    server: Server,
    replica_set: ReplicaSet,
    event: str,
    record_property: Callable[[str, object], None],
) -> None:
    for figures in rounds(server, replica_set, event, 1):
        record_property(event, figures)


@contextmanager
def secondaries_cut_off(replica_set: ReplicaSet) -> Iterator[None]:
    """The secondaries are up and vote, and get nothing of what is written."""
    primary = replica_set.wait_until_healthy()
    others = [each for each in replica_set.members if each is not primary]
    point = {"configureFailPoint": "stopReplProducer"}
    for each in others:
        each.direct.admin.command({**point, "mode": "alwaysOn"})
    try:
        yield
    finally:
        for each in others:
            each.direct.admin.command({**point, "mode": "off"})


def test_what_only_the_primary_has_is_not_acknowledged_when_it_is_found_again(
    replica_set: ReplicaSet,
) -> None:
    """The second insert is told "duplicate key", and the driver drops what is said beside it."""
    uri = replica_set.uri_of(database_name())
    prepare(uri)
    late = fail_point(replica_set.client, ["insert"], None, None, 64, app_name="avenue")
    with closing(Database(Settings(mongodb_uri=uri, local=True, write_seconds=2))) as database:
        products = site(database, DEFAULT_SITE).collection("shop_products")
        product = {"_id": "one", "name": "Zapato"}
        with secondaries_cut_off(replica_set), late as point, pytest.raises(Unavailable):
            products.insert(product)
        assert point.hits == 2

        products.insert(product)
