"""A prepared database with nothing in its queue."""

from collections.abc import Iterator

import pytest

from avenue.storage.connection import Database
from tests.mongod import Mongod
from tests.prepared import emptied, prepared_uri


@pytest.fixture(scope="module")
def shared_uri(mongod: Mongod) -> Iterator[str]:
    """The database that the tests of one module use one after the other."""
    with prepared_uri(mongod) as uri:
        yield uri


@pytest.fixture
def database(shared_uri: str) -> Iterator[Database]:
    """A database with every index and nothing else in it."""
    with emptied(shared_uri) as database:
        yield database
