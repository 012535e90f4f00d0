"""A prepared database with nothing in its queue."""

from collections.abc import Iterator

import pytest

from avenue.config import Settings
from avenue.storage.connection import Database
from avenue.storage.schema import migrate


@pytest.fixture
def database(database_uri: str) -> Iterator[Database]:
    database = Database(Settings(mongodb_uri=database_uri, local=True))
    migrate(database)
    yield database
    database.close()
