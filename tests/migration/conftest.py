"""An empty database for each test here."""

from collections.abc import Iterator

import pytest

from tests.commands import Commands
from tests.migration.deployment import LAZY, Deployment
from tests.prepared import emptied


@pytest.fixture
def avenue(shared_uri: str, commands: Commands) -> Iterator[Deployment]:
    with emptied(shared_uri) as database:
        yield Deployment(shared_uri, database, commands, dict(LAZY))
