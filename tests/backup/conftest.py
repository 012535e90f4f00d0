"""A shop of some files, and a repository beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from avenue.config import Settings
from avenue.storage.connection import Database
from tests.backup.deployment import Deployment
from tests.commands import Commands
from tests.prepared import emptied


@pytest.fixture
def shop(shared_uri: str, commands: Commands, tmp_path: Path) -> Iterator[Deployment]:
    with emptied(shared_uri) as database:
        yield Deployment(shared_uri, database, commands, tmp_path / "repository")


@pytest.fixture
def empty(database_uri: str) -> Iterator[Database]:
    database = Database(Settings(mongodb_uri=database_uri, local=True))
    yield database
    database.close()
