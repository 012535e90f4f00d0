"""Databases for the tests of what speaks MongoDB."""

from collections.abc import Iterator

import pytest

from avenue.config import Settings
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
    """A database with every index, as `migrate` leaves it."""
    with emptied(shared_uri) as database:
        yield database


@pytest.fixture
def bare_database(database_uri: str) -> Iterator[Database]:
    """An empty database nobody has prepared."""
    database = Database(Settings(mongodb_uri=database_uri, local=True))
    yield database
    database.close()
