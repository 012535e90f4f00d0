"""A seller's shop on a database of its own."""

from collections.abc import Iterator

import pytest

from tests.faults.deployment import Raw, raw
from tests.mongod import Mongod
from tests.prepared import only_once, prepared_uri
from tests.server import prepare


@pytest.fixture(scope="module")
def shared_uri(mongod: Mongod) -> Iterator[str]:
    """The database of one module, and of nobody else."""
    with prepared_uri(mongod) as uri:
        yield uri
        only_once(uri)


@pytest.fixture
def shop_uri(migrated_uri: str) -> Iterator[str]:
    """The URI of a database that is ready for a server and has a seller."""
    prepare(migrated_uri)
    yield migrated_uri
    only_once(migrated_uri)


@pytest.fixture
def shop_database(mongod: Mongod, shop_uri: str) -> Raw:
    """The same database, for the test to look into."""
    return raw(mongod.client, shop_uri)
