"""A seller's shop on a database of its own."""

import pytest

from tests.faults.house import Raw, raw
from tests.mongod import Mongod
from tests.server import prepare


@pytest.fixture
def shop_uri(migrated_uri: str) -> str:
    """The URI of a database that is ready for a server and has a seller."""
    prepare(migrated_uri)
    return migrated_uri


@pytest.fixture
def shop_database(mongod: Mongod, shop_uri: str) -> Raw:
    """The same database, for the test to look into."""
    return raw(mongod.client, shop_uri)
