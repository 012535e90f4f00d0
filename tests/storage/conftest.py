"""Databases for the tests of what speaks MongoDB."""

from collections.abc import Iterator

import pytest

from avenue.config import Settings
from avenue.storage.connection import Database


@pytest.fixture
def bare_database(database_uri: str) -> Iterator[Database]:
    """An empty database nobody has prepared."""
    database = Database(Settings(mongodb_uri=database_uri, local=True))
    yield database
    database.close()
