"""An empty database for each test here."""

from collections.abc import Iterator

import pytest

from tests.commands import Commands
from tests.migration.house import LAZY, House
from tests.prepared import emptied


@pytest.fixture
def avenue(shared_uri: str, commands: Commands) -> Iterator[House]:
    with emptied(shared_uri) as database:
        yield House(shared_uri, database, commands, dict(LAZY))
